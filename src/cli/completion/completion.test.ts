import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommandTable, defineCommand } from '../command.ts'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { readCompletionModel } from './model.ts'
import { zshScript } from './zsh.ts'

const has = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0

const run = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  operands: { min: 1, completes: 'image' },
  stopsAtOperand: true,
  flags: {
    detach: { kind: 'bool', short: 'd', about: "Run in the background: it's [quick]" },
    network: { kind: 'string', about: 'Connect', completes: 'network' },
    volume: { kind: 'list', short: 'v', about: 'Bind mount a volume', completes: 'directory' },
    pull: { kind: 'choice', choices: ['always', 'missing', 'never'], about: 'Pull image before running' },
    name: { kind: 'string', about: 'Assign a name' },
    hidden: { kind: 'bool', hidden: true, about: 'x' },
  },
  run: async () => 0,
})
const remove = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  operands: { min: 1, completes: 'image' },
  flags: { force: { kind: 'bool', short: 'f', about: 'Force removal' } },
  run: async () => 0,
})
const load = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: { input: { kind: 'string', short: 'i', about: 'Read from a file', completes: 'file' } },
  run: async () => 0,
})
const table: CommandTable = {
  groups: [
    { path: 'container', summary: 'Manage containers' },
    { path: 'image', summary: 'Manage images' },
  ],
  commands: [
    { paths: ['container run', 'run'], summary: "Create: and run 'one'", load: async () => ({ command: run }) },
    { paths: ['image rm', 'image remove', 'rmi'], summary: 'Remove images', load: async () => ({ command: remove }) },
    { paths: ['image load', 'load'], summary: 'Load an image', load: async () => ({ command: load }) },
    { paths: ['secret'], summary: 'Hidden', hidden: true, load: async () => ({ command: load }) },
  ],
}

const dir = mkdtempSync(path.join(tmpdir(), 'slipway-completion-'))
const env = { ...process.env, PATH: `${dir}/bin:${process.env['PATH']}`, HOME: dir, TERM: 'dumb' }
beforeAll(async () => {
  const model = await readCompletionModel(table)
  writeFileSync(path.join(dir, 'bash'), bashScript('slipway', model))
  writeFileSync(path.join(dir, 'fish'), fishScript('slipway', model))
  writeFileSync(path.join(dir, 'zsh'), zshScript('slipway', model))
  mkdirSync(path.join(dir, 'bin'))
  const names = 'case "$2" in image) printf "%s\\n" alpine:3 alpine:4 debian;; network) echo host;; esac'
  writeFileSync(path.join(dir, 'bin/slipway'), `#!/bin/sh\n${names} | grep -F -- "$3"\n`)
  chmodSync(path.join(dir, 'bin/slipway'), 0o755)
  mkdirSync(path.join(dir, 'files/folder'), { recursive: true })
  writeFileSync(path.join(dir, 'files/archive.tar'), '')
})
afterAll(() => rmSync(dir, { recursive: true }))

/** What each shell must offer for a line, the cursor at its end. */
const CASES: [line: string, offers: string[]][] = [
  ['slipway ', ['container', 'image', 'load', 'rmi', 'run']],
  ['slipway r', ['rmi', 'run']],
  ['slipway image ', ['load', 'remove', 'rm']],
  ['slipway image rm ', ['alpine:3', 'alpine:4', 'debian']],
  ['slipway --debug rmi deb', ['debian']],
  ['slipway --root /x rmi deb', ['debian']],
  ['slipway run --pull ', ['always', 'missing', 'never']],
  ['slipway run --network ', ['host']],
  ['slipway run -v x --name n deb', ['debian']],
  ['slipway run --n', ['--name', '--network']],
  ['slipway rmi --fo', ['--force']],
  ['slipway load -i ar', ['archive.tar']],
]

describe.skipIf(!has('bash'))('bash', () => {
  function complete(line: string): string[] {
    const script = `source ${dir}/bash; cd ${dir}/files; COMP_LINE=$1; COMP_POINT=\${#1}; _slipway; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', line], { encoding: 'utf8', env })
    expect(stderr).toBe('')
    return stdout.split('\n').filter(Boolean).sort()
  }

  test.each(CASES)('%s', (line, offers) => {
    expect(complete(line)).toEqual(offers)
  })

  test('continues names after a colon, values after =, and files after the image', () => {
    expect(complete('slipway rmi alpine:')).toEqual(['3', '4'])
    expect(complete('slipway run --pull=n')).toEqual(['never'])
    expect(complete('slipway run -v fo')).toEqual(['folder'])
    expect(complete('slipway run debian ar')).toEqual(['archive.tar'])
    expect(complete('slipway run debian --n')).toEqual([])
    expect(complete('slipway rmi -- ')).toEqual(['alpine:3', 'alpine:4', 'debian'])
  })
})

describe.skipIf(!has('fish'))('fish', () => {
  test.each(CASES)('%s', (line, offers) => {
    const script = `source ${dir}/fish; cd ${dir}/files; complete -C $argv[1]`
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script, line], { encoding: 'utf8', env })
    expect(stderr).toBe('')
    const offered = stdout
      .split('\n')
      .filter(Boolean)
      .map((text) => text.split('\t')[0]!)
    expect(offered.sort()).toEqual(offers)
  })
})

describe.skipIf(!has('zsh'))('zsh', () => {
  /** Presses Tab in an interactive zsh and collects what its completion system is given. */
  function complete(line: string): string[] {
    const inner = `
      PS1=; autoload -Uz compinit; compinit -u -D; source ${dir}/zsh; cd ${dir}/files
      compadd() {
        if [[ \${@[(I)-[OADF]]} -gt 0 || $1 == -[OAD]* ]]; then builtin compadd "$@"; return; fi
        local -a hits; builtin compadd -O hits "$@"; print -l -- $hits >>${dir}/offered; builtin compadd "$@"
      }
      zle -C offer complete-word finish; finish() { _main_complete; print >>${dir}/done; compstate[insert]=; compstate[list]= }
      bindkey '^I' offer; print >${dir}/ready`
    const outer = `zmodload zsh/zpty; : >${dir}/offered; rm -f ${dir}/done ${dir}/ready
      zpty z zsh -f -i; zpty -w z ${JSON.stringify(`source ${dir}/inner`)}
      repeat 200; do [[ -e ${dir}/ready ]] && break; sleep 0.05; done
      zpty -n -w z "$1"$'\\t'; repeat 100; do [[ -e ${dir}/done ]] && break; sleep 0.05; done; zpty -d z`
    writeFileSync(path.join(dir, 'inner'), inner)
    const { stderr } = spawnSync('zsh', ['-f', '-c', outer, 'zsh', line], { encoding: 'utf8', env })
    expect(stderr).toBe('')
    const { stdout } = spawnSync('sort', ['-u', path.join(dir, 'offered')], { encoding: 'utf8' })
    return stdout.split('\n').filter(Boolean)
  }

  test('the script has no errors', () => {
    expect(spawnSync('zsh', ['-n', path.join(dir, 'zsh')], { encoding: 'utf8' }).stderr).toBe('')
  })

  test.each(CASES)('%s', (line, offers) => {
    expect(
      complete(line)
        .map((offer) => offer.replace(/=$/, ''))
        .sort(),
    ).toEqual(offers)
  })
})
