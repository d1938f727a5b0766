import { expect, test } from 'vitest'
import { matchesOutput, readPage } from './page.ts'

const page = `# Title

\`\`\`dockerfile app/Dockerfile
FROM busybox
\`\`\`

\`\`\`sh
slipway build .
\`\`\`
\`\`\`output
done
\`\`\`

\`\`\`sh fails
false
\`\`\`
\`\`\`sh skip: takes an hour
sleep 3600
\`\`\`
\`\`\`ts
unnamed
\`\`\`
`

test('a page is files to write and commands to type', () => {
  expect(readPage(page)).toEqual([
    { kind: 'file', line: 3, name: 'app/Dockerfile', text: 'FROM busybox\n' },
    { kind: 'commands', line: 7, script: 'slipway build .\n', fails: false, output: 'done\n' },
    { kind: 'commands', line: 14, script: 'false\n', fails: true },
  ])
  expect(() => readPage('```output\nx\n```\n')).toThrow('line 1')
})

test('dots stand for what differs from time to time', () => {
  expect(matchesOutput('a\n...\nsha256:… (x)\n', 'a\nb\nc\nsha256:12 (x)\n')).toBe(true)
  expect(matchesOutput('a\n...\nz\n', 'a\nz\n')).toBe(true)
  expect(matchesOutput('a\n', 'a\nb\n')).toBe(false)
  expect(matchesOutput('a.c\n', 'abc\n')).toBe(false)
  expect(matchesOutput('…b\n', 'a\nb\n')).toBe(false)
})
