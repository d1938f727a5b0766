import { describe, expect, test } from 'vitest'
import { planText } from '../fixture.suite.ts'
import type { RunOp } from '../ops/run.ts'

/** The last step of a Dockerfile that ends with RUN. */
async function run(lines: string, options: Parameters<typeof planText>[1] = {}) {
  const { vertex, steps } = await planText(`FROM base\n${lines}\n`, options)
  return { op: vertex.op as RunOp, createdBy: steps.at(-1)!.createdBy, label: vertex.label }
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

test('RUN is what the shell is given, and all that the process sees', async () => {
  const { op, createdBy } = await run('WORKDIR /w\nUSER web\nENV A=1\nRUN make $A', {
    shmSize: 5,
    extraHosts: ['a=1.2.3.4'],
  })
  expect(op).toEqual({
    kind: 'run',
    args: ['/bin/sh', '-c', 'make $A'],
    script: null,
    env: [PATH, 'A=1'],
    cwd: '/w',
    user: 'web',
    network: 'default',
    hostname: 'buildkitsandbox',
    extraHosts: ['a=1.2.3.4'],
    shmSize: 5,
    security: 'sandbox',
    ulimits: [],
    mounts: [],
    unkeyed: { proxyEnv: [], hostCa: null, resources: {}, cgroupParent: null, args: [] },
  })
  expect(createdBy).toBe('RUN /bin/sh -c make $A # buildkit')
})

test('exec form has no shell, SHELL changes that of the shell form', async () => {
  expect((await run('RUN ["a", "$B"]')).op.args).toEqual(['a', '$B'])
  expect((await run('SHELL ["/bin/bash", "-ec"]\nRUN a')).op.args).toEqual(['/bin/bash', '-ec', 'a'])
})

test('the line that is shown has variables in it, quotes as they were, and one space less', async () => {
  expect((await run('ENV A=1\nRUN echo "$A" $B \\\n  \'c\'')).label).toBe(`[2/2] RUN echo "1" $B   'c'`)
})

describe('build arguments', () => {
  test('reach the process and the history, as far as they are declared', async () => {
    const { op, createdBy } = await run('ARG A=1\nARG B\nARG C\nRUN x', { buildArgs: { B: '2', D: '3' } })
    expect(op.env).toEqual([PATH, 'A=1', 'B=2'])
    expect(createdBy).toBe('RUN |3 A=1 B=2 C= /bin/sh -c x # buildkit')
  })

  test('that ENV overrides show what the command saw', async () => {
    expect((await run('ARG A=arg\nENV A=env\nRUN x')).createdBy).toBe('RUN |1 A=env /bin/sh -c x # buildkit')
  })

  test('of proxies need no declaration, and stay out of history and key', async () => {
    const buildArgs = { HTTP_PROXY: 'http://p', no_proxy: 'l', OTHER: 'x' }
    const { op, createdBy } = await run('RUN x', { buildArgs })
    expect(op.unkeyed.proxyEnv).toEqual(['HTTP_PROXY=http://p', 'http_proxy=http://p', 'NO_PROXY=l', 'no_proxy=l'])
    expect(op.env).toEqual([PATH])
    expect(createdBy).toBe('RUN /bin/sh -c x # buildkit')
  })

  test('of proxies that are declared are like any other', async () => {
    const { op, createdBy } = await run('ARG HTTP_PROXY\nRUN x', { buildArgs: { HTTP_PROXY: 'p' } })
    expect(op.unkeyed.proxyEnv).toEqual(['http_proxy=p'])
    expect(op.env).toContain('HTTP_PROXY=p')
    expect(createdBy).toBe('RUN |1 HTTP_PROXY=p /bin/sh -c x # buildkit')
  })

  test('name the host', async () => {
    expect((await run('RUN x', { buildArgs: { BUILDKIT_SANDBOX_HOSTNAME: 'box' } })).op.hostname).toBe('box')
  })
})

describe('the network', () => {
  test.each([
    ['RUN x', 'none', 'none'],
    ['RUN --network=none x', 'default', 'none'],
    ['RUN --network=host x', 'none', 'host'],
    ['RUN --network=default x', 'none', 'none'],
  ] as const)('%s with --network %s is %s', async (lines, network, expected) => {
    const allow = ['network.host']
    expect((await run(lines, { network, allow })).op.network).toBe(expected)
  })
})

describe('here-documents', () => {
  test('alone are the command', async () => {
    const { op, createdBy, label } = await run('RUN <<EOF\nline 1\nline 2\nEOF')
    expect(op.args).toEqual(['/bin/sh', '-c', 'line 1\nline 2\n'])
    expect(createdBy).toBe('RUN /bin/sh -c line 1\nline 2\n # buildkit')
    expect(label).toBe('[2/2] RUN <<EOF (line 1...)')
  })

  test('beside other words are the shell’s', async () => {
    expect((await run('RUN cat <<A <<B\na\nA\nb\nB')).op.args[2]).toBe('cat <<A <<B\na\nA\nb\nB')
  })

  test('with a program of their own are one', async () => {
    const { op } = await run('RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF')
    expect(op.args).toEqual(['/bin/sh', '-c', '/dev/pipes/EOF'])
    expect(op.script).toEqual({ name: 'EOF', text: '#!/usr/bin/env python3\nprint(1)\n' })
  })

  test('lose their tabs with a dash', async () => {
    expect((await run('RUN <<-EOF\n\techo\n\tEOF')).op.args[2]).toBe('echo\n')
  })
})
