import { describe, expect, test } from 'vitest'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { digestFor } from '../fixture.suite.ts'
import type { Vertex } from '../graph.ts'
import { masked, Redactor } from './redact.ts'

const vertex = (env: readonly string[], inputs: Vertex[] = []): Vertex =>
  ({ id: digestFor(env.join()), op: { kind: 'run', env }, inputs, label: 'RUN x' }) as unknown as Vertex

describe('what is kept', () => {
  const env = ['PATH=/bin', 'NPM_TOKEN=geheim123']

  test('has no values of secrets, wherever they occur', () => {
    const redactor = new Redactor(temporaryStore().memos)
    redactor.learn(vertex(['A=1'], [vertex(env)]))
    const document = { env, args: ['sh', '-c', 'curl -H geheim123'], nested: [{ text: 'geheim123!' }], n: 1, no: null }
    const text = JSON.stringify(redactor.document(document))
    expect(text).not.toContain('geheim123')
    expect(text).toContain('PATH=/bin')
    expect(masked(text)).toContain('NPM_TOKEN=****')
    expect(masked(text)).toContain('curl -H ****')
    expect(redactor.text('[2/3] COPY a /geheim123')).not.toContain('geheim')
  })

  test('has no passwords of URLs', () => {
    const redactor = new Redactor(temporaryStore().memos)
    expect(redactor.text('ADD https://me:pass@example.com/x /')).toBe('ADD https://example.com/x /')
  })

  test('tells whether a value has changed, within one store', () => {
    const store = temporaryStore()
    const hidden = (value: string, { memos } = store): string =>
      JSON.stringify(new Redactor(memos).document({ env: [`TOKEN=${value}`] }))
    expect(hidden('one value')).toBe(hidden('one value'))
    expect(hidden('one value')).not.toBe(hidden('another'))
    expect(hidden('one value')).not.toBe(hidden('one value', temporaryStore()))
  })

  test('knows values that are given to it, the longer ones first', () => {
    const redactor = new Redactor(temporaryStore().memos, ['abcd', 'abcdefgh', 'x'])
    expect(masked(redactor.text('abcdefgh abcd x'))).toBe('**** **** x')
  })
})
