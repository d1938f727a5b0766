import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextFolder } from '../fixture.suite.ts'
import { parseModeChange } from './mode.ts'

describe('octal modes', () => {
  test.each([
    ['755', 0o755],
    ['0644', 0o644],
    ['7777', 0o7777],
    ['0', 0],
    ['00000755', 0o755],
  ])('%s', (text, mode) => {
    expect(parseModeChange(text)(0o123, false)).toBe(mode)
    expect(parseModeChange(text)(0o123, true)).toBe(mode)
  })

  test('folders that are made on the way get them through the umask of the builder', () => {
    expect(parseModeChange('777').forMadeFolders).toBe(0o755)
    expect(parseModeChange('700').forMadeFolders).toBe(0o700)
    expect(parseModeChange('u+x').forMadeFolders).toBeUndefined()
  })
})

describe('symbolic modes', () => {
  test.each([
    ['u+x', 0o644, 0o744],
    ['+x', 0o644, 0o755],
    ['a-w', 0o777, 0o555],
    ['go=', 0o777, 0o700],
    ['u=rwX,go=rX', 0o600, 0o644],
    ['u=rwX,go=rX', 0o700, 0o755],
    ['g=u', 0o740, 0o770],
    ['o=g', 0o751, 0o755],
    ['u+s,g+s', 0o755, 0o6755],
    ['+t', 0o755, 0o1755],
    ['u=rw', 0o4755, 0o655],
    ['u+x-w', 0o644, 0o544],
    ['ug+w,o-r', 0o444, 0o660],
  ])('%s of %o', (text, before, after) => {
    expect(parseModeChange(text)(before, false).toString(8)).toBe(after.toString(8))
  })

  test('X means folders, and files that somebody can run', () => {
    const change = parseModeChange('a+X')
    expect(change(0o600, true)).toBe(0o711)
    expect(change(0o600, false)).toBe(0o600)
    expect(change(0o610, false)).toBe(0o711)
  })

  test('mean what chmod(1) makes of them', () => {
    const folder = contextFolder()
    const [file, directory] = [path.join(folder, 'file'), path.join(folder, 'directory')]
    writeFileSync(file, '')
    mkdirSync(directory)
    const letters = fc.array(fc.constantFrom('r', 'w', 'x', 'X'), { maxLength: 3 }).map((all) => all.join(''))
    const action = fc.tuple(fc.constantFrom('+', '-', '='), fc.oneof(letters, fc.constantFrom('u', 'g', 'o')))
    const clause = fc.tuple(
      fc.constantFrom('u', 'g', 'o', 'a', 'ug', 'go'),
      fc.array(action, { minLength: 1, maxLength: 2 }),
    )
    const text = fc.array(clause, { minLength: 1, maxLength: 3 }).map((clauses) => {
      return clauses.map(([who, actions]) => who + actions.map((parts) => parts.join('')).join('')).join(',')
    })
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 0o777 }), fc.boolean(), (change, mode, isFolder) => {
        const target = isFolder ? directory : file
        chmodSync(target, mode)
        execFileSync('chmod', [change, target])
        expect(parseModeChange(change)(mode, isFolder).toString(8)).toBe((statSync(target).mode & 0o7777).toString(8))
      }),
      { numRuns: 60 },
    )
    // a folder that its owner may not read could not be removed
    chmodSync(directory, 0o700)
  })
})

test.each(['', '888', '10000', 'rwx', 'u+y', 'u', '+', '0o755', '-1', 'u+x,', 'u=ug', ' 755'])(
  '%j is refused, in BuildKit’s words',
  (text) => {
    if (text === '+') return // changes nothing, as for chmod(1)
    expect(() => parseModeChange(text)).toThrow(
      `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
    )
  },
)
