import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SlipwayError, type SourceSpan } from '../core/index.ts'
import { dumpTree } from './dump.ts'
import { textOf } from './logical-line.ts'
import type { DockerfileNode } from './node.ts'
import { parse } from './parse.ts'
import { printInstruction } from './print.ts'

const parseText = (text: string) => parse({ name: 'Dockerfile', text })
const dump = (text: string) => dumpTree(parseText(text))
const only = (text: string): DockerfileNode => {
  const { nodes } = parseText(text)
  expect(nodes).toHaveLength(1)
  return nodes[0]!
}

describe('instructions are cut by the rules of their keyword', () => {
  test.each([
    ['FROM a  AS\tb', '(from "a" "AS" "b")'],
    ['from a', '(from "a")'],
    ['RUN  echo  "a  b" ', '(run "echo  \\"a  b\\"")'],
    ['RUN ["a", "b c"]', '(run "a" "b c")'],
    ['RUN [a, b]', '(run "[a, b]")'],
    ['CMD []', '(cmd)'],
    ['RUN ["\\u00e9", "\\ud800"]', '(run "é" "\ufffd")'],
    ['COPY a b /c/', '(copy "a" "b" "/c/")'],
    ['COPY ["a b", "c"]', '(copy "a b" "c")'],
    ['COPY ["a", b]', '(copy "[\\"a\\"," "b]")'],
    ['ENV a=b c="d e" f=g\\ h', '(env "a" "b" "=" "c" "\\"d e\\"" "=" "f" "g\\\\ h" "=")'],
    ['ENV a b=c  d', '(env "a" "b=c  d" "")'],
    ["LABEL 'x y'=z", '(label "\'x y\'" "z" "=")'],
    ['ARG a b=c "d e"', '(arg "a" "b=c" "\\"d e\\"")'],
    ['EXPOSE 80 81/udp', '(expose "80" "81/udp")'],
    ['WORKDIR a b', '(workdir "a b")'],
    ['HEALTHCHECK --interval=5s CMD ["a"]', '(healthcheck ["--interval=5s"] "CMD" "a")'],
    ['HEALTHCHECK  none', '(healthcheck "none")'],
    ['ONBUILD  COPY --from=x a b', '(onbuild (copy ["--from=x"] "a" "b"))'],
    ['ONBUILD', '(onbuild)'],
    ['FOO bar', '(foo "")'],
    ['RUN', '(run)'],
    ['ENV', '(env)'],
    ['RUN --mount=type="a b" --x\\ y -- --z', '(run ["--mount=type=a b" "--x y"] "--z")'],
    ['RUN --a', '(run ["--a"])'],
    ['RUN -a --b', '(run "-a --b")'],
    ['COPY --chown=é a b', '(copy ["--chown=Ã©"] "a" "b")'],
    ['RUN\u00a0x y', '(run\u00a0x "")'],
  ])('%s', (text, expected) => {
    expect(dump(`${text}\n`)).toBe(expected)
  })
})

describe('lines', () => {
  test.each([
    ['joined with nothing between', 'RUN a\\\n  b \\ \t\n\tc', '(run "a  b \\tc")'],
    ['an escaped escape goes on nowhere', 'RUN a\\\\\nRUN b', '(run "a\\\\\\\\")\n(run "b")'],
    ['comments between, also indented', 'RUN a \\\n# no\n  # no \\\nb', '(run "a b")'],
    ['a continuation at the end', 'RUN a \\', '(run "a")'],
    ['CRLF', 'RUN a \\\r\n b\r\nRUN c\r\n', '(run "a  b")\n(run "c")'],
    ['a byte order mark', '\ufeffRUN a', '(run "a")'],
    ['a line of nothing but an escape', '\\\nRUN a', '(run "a")'],
    ['indentation of the first line goes', '\u00a0\t RUN a', '(run "a")'],
    ['a hash in a line is text', 'RUN a # b', '(run "a # b")'],
  ])('%s', (_name, text, expected) => {
    expect(dump(text)).toBe(expected)
  })

  test('empty lines inside an instruction are skipped with a warning', () => {
    const tree = parseText('RUN a \\\n\n  \\\n \t\nb\nRUN c')
    expect(dumpTree(tree)).toBe('(run "a   b")\n(run "c")')
    expect(tree.warnings).toHaveLength(1)
    expect(tree.warnings[0]!.message).toBe('Empty continuation line found in: RUN a   b')
    expect(tree.warnings[0]!.span.line).toBe(5)
    expect(tree.warnings[0]!.lines.map(({ line }) => line)).toEqual([2, 4])
  })

  test('the span of an instruction covers its lines', () => {
    const spans = parseText('# x\n\n  RUN a \\\n# y\n  b\n\nRUN <<E\nbody\nE\nRUN c').nodes.map(({ span }) => span)
    const ranges = spans.map(({ line, column, endLine, endColumn }) => [line, column, endLine, endColumn])
    expect(ranges).toEqual([
      [3, 3, 5, 4],
      [7, 1, 9, 2],
      [10, 1, 10, 6],
    ])
  })
})

describe('directives', () => {
  const texts = (text: string) => parseText(text).directives.map(({ name, text }) => [name, text])

  test('stand at the top, in any case and order', () => {
    const text = '# Syntax = docker/dockerfile:1 \n#check=skip=all;error=true\n# unknown=x\n#escape=`\nFROM a'
    expect(texts(text)).toEqual([
      ['syntax', 'docker/dockerfile:1'],
      ['check', 'skip=all;error=true'],
      ['escape', '`'],
    ])
  })

  test.each([
    ['a comment', '# hello\n#escape=`\nFROM a'],
    ['an empty line', '\n#escape=`\nFROM a'],
    ['an instruction', 'ARG a\n#escape=`\nFROM a'],
  ])('end at %s', (_name, text) => {
    expect(texts(text)).toEqual([])
  })

  test('the escape changes continuations and words', () => {
    expect(dump('#escape=`\nRUN a `\n b\\\nENV a=b` c d=e')).toBe('(run "a  b\\\\")\n(env "a" "b` c" "=" "d" "e" "=")')
  })

  test('their place is that of the value', () => {
    const [directive] = parseText('  # escape =  ` \nFROM a').directives
    expect(directive).toMatchObject({ span: { line: 1, column: 15, endColumn: 16 } })
  })

  test.each([
    ['#escape=x\nFROM a', "invalid escape token 'x' does not match ` or \\"],
    ['#escape= \nFROM a', "invalid escape token ' ' does not match ` or \\"],
    ['#escape=`\n#ESCAPE=`\nFROM a', 'only one escape parser directive can be used'],
  ])('%j is refused', (text, message) => {
    expect(() => parseText(text)).toThrow(message)
  })
})

describe('here-documents', () => {
  const heredocs = (text: string) =>
    only(text).heredocs.map(({ name, content, expand, chomp }) => ({ name, content, expand, chomp }))
  const plain = { expand: true, chomp: false }

  test.each([
    ['one', 'RUN <<EOF\na\n# b\n\nEOF\n', [{ ...plain, name: 'EOF', content: 'a\n# b\n\n' }]],
    ['empty', 'RUN <<EOF\nEOF', [{ ...plain, name: 'EOF', content: '' }]],
    [
      'two, in order',
      'COPY <<A <<B /\n1\nB\nA\n2\nB\n',
      [
        { ...plain, name: 'A', content: '1\nB\n' },
        { ...plain, name: 'B', content: '2\n' },
      ],
    ],
    ['a quoted name', "RUN cat <<'E F' |x\na\nE F\n", [{ name: 'E F', content: 'a\n', expand: false, chomp: false }]],
    ['partly quoted', 'RUN <<E"O"F\nEOF\n', [{ name: 'EOF', content: '', expand: false, chomp: false }]],
    ['chomped', 'RUN <<-E\n\t\ta\n\t E\n\tE\n', [{ name: 'E', content: '\t\ta\n\t E\n', expand: true, chomp: true }]],
    ['tabs count without the dash', 'RUN <<E\n\tE\nE\n', [{ ...plain, name: 'E', content: '\tE\n' }]],
    ['blanks before the name', 'RUN << E\na\nE\n', [{ ...plain, name: 'E', content: 'a\n' }]],
    ['variables in the name stay', 'RUN <<$E\na\n$E\n', [{ ...plain, name: '$E', content: 'a\n' }]],
    ['CRLF', 'RUN <<E\r\na\r\nE\r\n', [{ ...plain, name: 'E', content: 'a\r\n' }]],
    ['after ONBUILD', 'ONBUILD ADD <<E /x\na\nE\n', [{ ...plain, name: 'E', content: 'a\n' }]],
    ['over a continuation', 'RUN <<\\\nE\na\nE\n', [{ ...plain, name: 'E', content: 'a\n' }]],
    ['in quotes it is text', 'RUN echo "<<E"\n', []],
    ['three brackets are a here-string', 'RUN cat <<<E\n', []],
    ['nothing but brackets', 'RUN cat <<\n', []],
  ])('%s', (_name, text, expected) => {
    expect(heredocs(text)).toEqual(expected)
  })

  test.each(['CMD <<E', 'ENV a=<<E', 'RUN ["<<E"]', 'ONBUILD CMD <<E'])('%s has none', (text) => {
    expect(parseText(`${text}\nRUN x\n`).nodes).toHaveLength(2)
  })

  test('the descriptor in front is kept, and the body has a place', () => {
    const [heredoc] = only('RUN 3<<E\na\nE').heredocs
    expect(heredoc).toMatchObject({ fileDescriptor: 3, span: { line: 2, column: 1, endLine: 3, endColumn: 2 } })
  })

  test.each(['RUN <<E\na\n', 'RUN <<E <<F\nE\n', 'RUN <<E'])('%j is not ended', (text) => {
    expect(() => parseText(text)).toThrow(expect.objectContaining({ message: 'unterminated heredoc' }))
  })

  test('a line whose quotes are broken announces none', () => {
    expect(parseText('RUN <<E "\nRUN x').nodes).toHaveLength(2)
  })
})

describe('what is refused', () => {
  test.each([
    ['', 'file with no instructions', 1],
    ['# x\n\n', 'file with no instructions', 2],
    ['FROM a\nENV x', 'ENV must have two arguments', 2],
    ['LABEL x', 'LABEL must have two arguments', 1],
    ['ENV a=b \\\n c', `Syntax error - can't find = in "c". Must be of the form: name=value`, 2],
    ['RUN ["a", 1]', 'when using JSON array syntax, arrays must be comprised of strings only', 1],
    ['ONBUILD CMD [null]', 'when using JSON array syntax, arrays must be comprised of strings only', 1],
    ['HEALTHCHECK CMD [[]]', 'when using JSON array syntax, arrays must be comprised of strings only', 1],
    [`FROM a\nRUN ${'x'.repeat(65532)}`, 'dockerfile line greater than max allowed size of 65535', 2],
    [`FROM a\nRUN ${'é'.repeat(32766)}`, 'dockerfile line greater than max allowed size of 65535', 2],
    [`RUN <<E\n${'x'.repeat(65536)}\nE`, 'unterminated heredoc', 1],
    ['x'.repeat(65536), 'file with no instructions', 1],
    ['ONBUILD '.repeat(100), "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", 1],
  ])('case %#', (text, message, line) => {
    expect(() => parseText(text)).toThrow(
      expect.objectContaining({ code: 'DOCKERFILE_INVALID', message, span: expect.objectContaining({ line }) }),
    )
  })

  test('a line of the greatest size is read', () => {
    expect(only(`RUN ${'x'.repeat(65531)}`).args[0]!.text).toHaveLength(65531)
    expect(only(`RUN ${'x'.repeat(65531)}\n`).args[0]!.text).toHaveLength(65531)
  })
})

describe('comments', () => {
  const commentsOf = (text: string) => parseText(text).nodes.map(({ comments }) => comments.map(({ text }) => text))

  test('above an instruction belong to it, over empty lines', () => {
    expect(commentsOf('# a\n\n#b\nFROM x\nRUN y\n# c\nRUN z')).toEqual([['a', 'b'], [], ['c']])
  })

  test('are parted by an empty one, and by directives', () => {
    expect(commentsOf('#syntax=x\n#y z\n#\n#a\nFROM x')).toEqual([['a']])
    expect(commentsOf('#a\n#check=x\nFROM x')).toEqual([['a', 'check=x']])
  })

  test('of an indented line keep the hash', () => {
    expect(commentsOf(' # a\nFROM x')).toEqual([['# a']])
  })
})

/** What is written between the ends of a span, with lines joined as the parser joins them. */
function joined(span: SourceSpan, escapeChar: string): string {
  return textOf(span)
    .split('\n')
    .filter((line, i, lines) => i === 0 || i === lines.length - 1 || !/^\s*(#[^\n]*)?$/.test(line))
    .map((line, i, lines) => {
      const text = line.replace(/[\r\n]+$/, '')
      if (i === lines.length - 1) return text
      return text.trimEnd().endsWith(escapeChar) ? text.replace(/[ \t]+$/, '').slice(0, -1) : text
    })
    .join('')
}

function tokensOf(node: DockerfileNode): { text: string; span: SourceSpan }[] {
  const pairs = node.pairs?.flatMap(({ key, value }) => [key, value]) ?? []
  return [node.keyword, ...node.args, ...pairs, ...(node.trigger ? tokensOf(node.trigger) : [])]
}

/** Every part of a Dockerfile, and the breaks between them. */
const fragment = fc.constantFrom(
  ...['FROM a', 'RUN', 'COPY', 'ENV', 'ARG', 'ONBUILD', 'LABEL x', 'HEALTHCHECK', 'EXPOSE 80', 'cmd', 'X'],
  ...[' ', ' ', '\t', '\n', '\n', '\r\n', '\\\n', ' \\ \n', '\\', '`', '#', '# c\n', '#escape=`\n', '\n\n', '\u00a0'],
  ...['--a=b', '--from="x y"', '--', '<<E', '<<-E', "<<'E'", '\nE\n', '\tE\n', '[', '"a"', ',', ']', '"', "'"],
  ...['a', 'b=c', '=', 'é', '👽', '$', '{a:-b}', '$', '{', '}', '\0', '["a", "b"]', '[1]'],
)

describe('any text', () => {
  const text = fc
    .tuple(fc.constantFrom('', '\ufeff'), fc.array(fragment, { maxLength: 40 }))
    .map(([mark, parts]) => mark + parts.join(''))
  const parsed = (source: string) => {
    try {
      return parseText(source)
    } catch (error) {
      expect(error).toBeInstanceOf(SlipwayError)
      expect((error as SlipwayError).span).toBeDefined()
      return undefined
    }
  }

  test('is parsed or refused, and every part is where its span says', () => {
    fc.assert(
      fc.property(text, (source) => {
        const tree = parsed(source)
        for (const node of tree?.nodes ?? []) {
          for (const token of tokensOf(node)) {
            const written = joined(token.span, tree!.escape)
            if (node.isJson || node.trigger?.isJson) expect(written).toContain(token.text.slice(0, 1))
            else if (written !== token.text) expect(written).toBe(token.text + tree!.escape)
          }
          for (const { text, span } of node.flags) expect(joined(span, tree!.escape).slice(0, 2)).toBe(text.slice(0, 2))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('keeps its meaning when each instruction is printed again', () => {
    fc.assert(
      fc.property(text, (source) => {
        const tree = parsed(source)
        for (const node of tree?.nodes ?? []) {
          const head = tree!.escape === '`' ? '#escape=`\n' : ''
          const printed = printInstruction(node)
          if (/^\s*(#|$)/.test(printed) || /[\\`]\s*$/.test(node.text)) continue
          const again = parseText(head + printed)
          expect(dumpTree({ ...again, nodes: again.nodes.slice(0, 1) })).toBe(dumpTree({ ...again, nodes: [node] }))
        }
      }),
      { numRuns: 100000 },
    )
  })
})
