import { describe, expect, test } from 'vitest'
import { parseDockerfile } from '../dockerfile/index.ts'
import { bind, cache, from, type Image, literal, scratch, secret, ssh, tmpfs, toDockerfile } from './index.ts'

/** The lines after FROM. */
const linesOf = (image: Image): string[] => toDockerfile(image).trimEnd().split('\n').slice(1)
const base = from('busybox')

test('an image is a base and steps, in their order', () => {
  const image = base
    .workdir('/app')
    .copy(['a.txt', 'b.txt'], './')
    .run('make all')
    .env({ A: '1', B: 'two words' })
    .arg('V')
    .arg('W', 'x y')
    .label({ 'org.example.title': 'it "works"' })
    .user('app:app')
    .expose(80, '53/udp')
    .volume('/data', '/with space')
    .stopsignal('SIGINT')
    .shell(['/bin/bash', '-c'])
    .entrypoint(['/app/run'])
    .cmd('serve $PORT')
  expect(toDockerfile(image)).toBe(`FROM busybox
WORKDIR /app
COPY a.txt b.txt ./
RUN make all
ENV A=1 B="two words"
ARG V
ARG W="x y"
LABEL org.example.title="it \\"works\\""
USER app:app
EXPOSE 80 53/udp
VOLUME ["/data","/with space"]
STOPSIGNAL SIGINT
SHELL ["/bin/bash","-c"]
ENTRYPOINT ["/app/run"]
CMD serve $PORT
`)
})

test('values never change', () => {
  const one = base.run('one')
  expect(linesOf(one.run('two'))).toEqual(['RUN one', 'RUN two'])
  expect(linesOf(one.run('three'))).toEqual(['RUN one', 'RUN three'])
  expect(linesOf(one)).toEqual(['RUN one'])
})

describe('stages', () => {
  test('come before the image that takes from them, each once', () => {
    const tools = from('debian').run('apt-get install -y gcc').as('tools', 'what compiles')
    const left = from(tools).run('make left')
    const right = from(tools, { platform: '$BUILDPLATFORM' }).run('make right').as('right')
    const image = scratch
      .copyFrom(left, '/left', '/')
      .copyFrom(right, '/right', '/')
      .copyFrom('busybox', '/bin', '/bin')
    expect(toDockerfile(image)).toBe(`# tools what compiles
FROM debian AS tools
RUN apt-get install -y gcc

FROM tools AS stage-1
RUN make left

FROM --platform=$BUILDPLATFORM tools AS right
RUN make right

FROM scratch
COPY --from=stage-1 /left /
COPY --from=right /right /
COPY --from=busybox /bin /bin
`)
  })

  test('a long chain of them is no problem', () => {
    let image = base
    for (let n = 0; n < 20_000; n++) image = from(image).run(`echo ${n}`)
    expect(toDockerfile(image).match(/^FROM/gm)).toHaveLength(20_001)
  })

  test('two of one name are refused', () => {
    const first = base.run('one').as('x')
    const image = from('busybox').copyFrom(first, '/a', '/').copyFrom(base.run('two').as('x'), '/b', '/')
    expect(() => toDockerfile(image)).toThrow('two stages have the name x')
    expect(() => base.as('Not A Name')).toThrow('is not a stage name')
  })

  test('a name given by number stays free', () => {
    const image = base.copyFrom(base.run('a').as('stage-1'), '/a', '/').copyFrom(base.run('b'), '/b', '/')
    expect(toDockerfile(image).match(/AS (.*)/g)).toEqual(['AS stage-1', 'AS stage-1-'])
  })
})

describe('a command', () => {
  test.each([
    ['a list is JSON', ['echo', 'a b'], 'RUN ["echo","a b"]'],
    ['a line is itself', 'echo "a b" | cat', 'RUN echo "a b" | cat'],
    ['several lines are a here-document', 'one\ntwo', 'RUN <<EOF\none\ntwo\nEOF'],
    ['its end is a word that no line is', 'a\nEOF\nEOF1', 'RUN <<EOF2\na\nEOF\nEOF1\nEOF2'],
    ['a line that begins with a flag', '--version', 'RUN <<EOF\n--version\nEOF'],
    ['a line that looks like JSON', '["a"]', 'RUN <<EOF\n["a"]\nEOF'],
    ['a line with a backslash at its end', 'echo \\', 'RUN <<EOF\necho \\\nEOF'],
    ['a line that would begin a here-document', 'cat <<X', 'RUN <<EOF\ncat <<X\nEOF'],
    ['nothing', '', 'RUN <<EOF\nEOF'],
  ])('%s', (_about, command, expected) => {
    expect(linesOf(base.run(command)).join('\n')).toBe(expected)
  })

  test('of CMD and HEALTHCHECK, several lines are given to a shell', () => {
    expect(linesOf(base.cmd('one\ntwo'))).toEqual(['CMD ["/bin/sh","-c","one\\ntwo"]'])
    const check = { interval: '5s', startPeriod: '1m', retries: 2 }
    expect(linesOf(base.healthcheck('true', check))).toEqual([
      'HEALTHCHECK --interval=5s --start-period=1m --retries=2 CMD true',
    ])
    expect(linesOf(base.healthcheck(false))).toEqual(['HEALTHCHECK NONE'])
  })

  test('has mounts', () => {
    const image = base.run('make', {
      mounts: [
        cache('/root/.cache', { sharing: 'locked', mode: '0700' }),
        bind({ target: '/src', from: base.run('fetch').as('sources'), source: '/out', rw: true }),
        secret('token', { env: 'TOKEN', required: true }),
        ssh(),
        tmpfs('/tmp', { size: '64m' }),
      ],
      network: 'none',
    })
    expect(linesOf(image).at(-1)).toBe(
      'RUN --mount=type=cache,target=/root/.cache,sharing=locked,mode=0700' +
        ' --mount=type=bind,target=/src,source=/out,rw,from=sources' +
        ' --mount=type=secret,id=token,env=TOKEN,required --mount=type=ssh' +
        ' --mount=type=tmpfs,target=/tmp,size=64m --network=none make',
    )
    expect(() => toDockerfile(base.run('x', { mounts: [cache('/a,b')] }))).toThrow('cannot say')
  })
})

describe('files', () => {
  test('names with spaces and quotes arrive as they are', () => {
    const image = base.copy(['a b', 'c"d'], '/x y/')
    const [copy] = parseDockerfile({ name: 'D', text: toDockerfile(image) }).stages[0]!.instructions
    expect(copy).toMatchObject({ kind: 'copy', sources: [{ text: 'a b' }, { text: '"c\\"d"' }] })
  })

  test('with all flags', () => {
    const options = { chown: 'a:b', chmod: 'u=rwX,go=rX', link: true, exclude: ['*.md', 'x y'], parents: true }
    expect(linesOf(base.copy('.', '/', options))).toEqual([
      'COPY --chown=a:b --chmod=u=rwX,go=rX --link --exclude=*.md --exclude="x y" --parents . /',
    ])
    const sum = `sha256:${'0'.repeat(64)}`
    expect(linesOf(base.add('https://e.com/a?b=c', '/', { checksum: sum, unpack: true, keepGitDir: true }))).toEqual([
      `ADD --checksum=${sum} --unpack=true --keep-git-dir https://e.com/a?b=c /`,
    ])
  })

  test('written in the definition: nothing in them is replaced', () => {
    expect(linesOf(base.file('/etc/motd', 'costs $5\n', { chmod: '600' })).join('\n')).toBe(
      'COPY --chmod=600 <<"EOF" /etc/motd\ncosts $5\nEOF',
    )
  })
})

test('a dollar sign names a variable unless the text is literal', () => {
  expect(linesOf(base.env({ PATH: '/x:$PATH', COST: literal('$5 \\o/') }))).toEqual([
    'ENV PATH=/x:$PATH COST="\\$5 \\\\o/"',
  ])
})

test('triggers', () => {
  expect(linesOf(base.onbuild((child) => child.copy('.', '/app').run('make')))).toEqual([
    'ONBUILD COPY . /app',
    'ONBUILD RUN make',
  ])
})

test('what no Dockerfile could say is refused', () => {
  expect(() => base.env({ A: 'two\nlines' })).toThrow('line break')
  expect(() => base.arg('not a name')).toThrow('is not a name')
  expect(() => base.label({})).toThrow('no variable')
})
