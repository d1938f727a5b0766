import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RegistryEndpoint } from '../settings.ts'
import { authOf, type Machine, openMachine } from './fixture.suite.ts'

const BUSYBOX = { domain: 'docker.io', path: 'library/busybox' }
const APP = { domain: 'h.example.com', path: 'team/app' }
const find = (machine: Machine, name = APP): Promise<readonly RegistryEndpoint[]> => machine.settings().endpoints(name)

async function urls(machine: Machine, name = APP): Promise<string[]> {
  return (await find(machine, name)).map(({ url, repository }) => `${url} ${repository}`)
}

test('without any file a registry answers for itself', async () => {
  expect(await find(openMachine())).toEqual([
    {
      url: 'https://h.example.com/v2',
      repository: 'team/app',
      allowsPlainHttp: false,
      can: { pull: true, resolve: true, push: true },
      isMirror: false,
      tls: { ca: [], verify: true },
      headers: {},
      registry: 'h.example.com',
    },
  ])
})

test.each(['docker.io', 'index.docker.io', 'registry-1.docker.io'])('%s is Docker Hub', async (domain) => {
  const [only, ...others] = await find(openMachine(), { domain, path: 'library/busybox' })
  expect(only).toMatchObject({ url: 'https://registry-1.docker.io/v2', registry: 'docker.io', allowsPlainHttp: false })
  expect(others).toEqual([])
})

test('a port is part of the registry, also 443', async () => {
  const [only] = await find(openMachine(), { domain: 'h.example.com:443', path: 'a' })
  expect(only).toMatchObject({ url: 'https://h.example.com:443/v2', registry: 'h.example.com:443' })
})

test('no path asks for the registry itself', async () => {
  const machine = openMachine()
  expect(await urls(machine, { domain: 'h', path: '' })).toEqual(['https://h/v2 '])
  machine.write('etc/containers/registries.conf', '[[registry]]\nprefix="h"\nlocation="other.example.com/x"')
  expect(await urls(machine, { domain: 'h', path: '' })).toEqual(['https://other.example.com/v2 x'])
})

describe('insecure registries', () => {
  const DAEMON = 'etc/docker/daemon.json'
  const isInsecure = async (machine: Machine, domain: string, insecure?: boolean | string[]): Promise<boolean> => {
    const settings = machine.settings(insecure === undefined ? {} : { insecure })
    const own = (await settings.endpoints({ domain, path: 'a' })).at(-1)!
    expect(own.tls.verify).toBe(!own.allowsPlainHttp)
    return own.allowsPlainHttp
  }

  test.each(['localhost:5000', '127.0.0.1:5000', '127.1.2.3', '[::1]:5000', 'x.localhost'])(
    '%s is one',
    async (host) => {
      expect(await isInsecure(openMachine(), host)).toBe(true)
    },
  )

  test('those of daemon.json, with their ports', async () => {
    const machine = openMachine()
    machine.write(DAEMON, { 'insecure-registries': ['h.invalid:5000', 'http://g.invalid', '10.0.0.0/8', 'fd00::/8'] })
    const hosts = [
      'h.invalid:5000',
      'h.invalid',
      'g.invalid',
      '10.1.2.3:5000',
      '11.1.2.3',
      '[fd00::1]:5000',
      'docker.io',
    ]
    const found = await Promise.all(hosts.map((host) => isInsecure(machine, host)))
    expect(found).toEqual([true, false, true, true, false, true, false])
  })

  test('those of the user are added to those of the machine', async () => {
    const machine = openMachine()
    machine.write(DAEMON, { 'insecure-registries': ['a.invalid'] })
    machine.write('home/.config/docker/daemon.json', { 'insecure-registries': ['b.invalid'] })
    expect([await isInsecure(machine, 'a.invalid'), await isInsecure(machine, 'b.invalid')]).toEqual([true, true])
  })

  test('those that the caller names, or all', async () => {
    const machine = openMachine()
    expect(await isInsecure(machine, 'a.invalid', ['a.invalid'])).toBe(true)
    expect(await isInsecure(machine, 'b.invalid', ['a.invalid'])).toBe(false)
    expect(await isInsecure(machine, 'b.invalid', true)).toBe(true)
    expect(await isInsecure(machine, 'docker.io', true)).toBe(true)
  })

  test.each([
    ['{\n "insecure-registries": "x"}', ':2: insecure-registries must be a list of strings'],
    ['{\n "insecure-registries": ["x", 1]}', 'insecure-registries[2] must be a string'],
    ['{"x": tru}', ':1: this is not JSON'],
  ])('daemon.json %j', async (text, message) => {
    const machine = openMachine()
    machine.write(DAEMON, text)
    await expect(find(machine)).rejects.toThrow(message)
  })
})

describe('mirrors of daemon.json', () => {
  const daemon = (...mirrors: string[]): Machine => {
    const machine = openMachine()
    machine.write('etc/docker/daemon.json', { 'registry-mirrors': mirrors })
    return machine
  }

  test('are asked before Docker Hub, and cannot be pushed to', async () => {
    const machine = daemon('https://m.example.com', 'http://127.0.0.1:5000/hub/')
    const all = await find(machine, BUSYBOX)
    expect(all.map(({ url }) => url)).toEqual([
      'https://m.example.com/v2',
      'http://127.0.0.1:5000/hub/v2',
      'https://registry-1.docker.io/v2',
    ])
    expect(all[0]).toMatchObject({
      repository: 'library/busybox',
      isMirror: true,
      namespace: 'docker.io',
      registry: 'm.example.com',
      allowsPlainHttp: false,
      can: { pull: true, resolve: true, push: false },
    })
    expect(all[1]).toMatchObject({ allowsPlainHttp: true, registry: '127.0.0.1:5000' })
    expect(all[2]).toMatchObject({ isMirror: false, can: { push: true } })
    expect(all[2]).not.toHaveProperty('namespace')
  })

  test('are for Docker Hub alone', async () => {
    expect(await urls(daemon('https://m.example.com'))).toEqual(['https://h.example.com/v2 team/app'])
  })

  test('those of the user go before those of the machine', async () => {
    const machine = daemon('https://machine.example.com')
    machine.write('home/.config/docker/daemon.json', { 'registry-mirrors': ['https://user.example.com'] })
    expect((await find(machine, BUSYBOX))[0]!.url).toBe('https://user.example.com/v2')
  })

  test.each([
    [
      'm.example.com',
      `invalid mirror: no scheme specified for "m.example.com": must use either 'https://' or 'http://'`,
    ],
    ['ftp://m', `invalid mirror: unsupported scheme in "ftp://m": must use either 'https://' or 'http://'`],
    ['https://m?x', 'invalid mirror: query or fragment at end of the URI "https://m?x"'],
    ['https://u:secret@m', 'invalid mirror: username/password not allowed in URI'],
    ['https://m m', `invalid mirror: unsupported scheme in "https://m m"`],
  ])('%s', async (mirror, message) => {
    const machine = daemon(mirror)
    await expect(find(machine, BUSYBOX)).rejects.toThrow(`etc/docker/daemon.json:1: ${message}`)
  })
})

describe('registries.conf', () => {
  const conf = (text: string): Machine => {
    const machine = openMachine()
    machine.write('etc/containers/registries.conf', text)
    return machine
  }

  test('mirrors in their order, then the location', async () => {
    const machine = conf(`
      [[registry]]
      prefix = "h.example.com/team"
      location = "store.example.com/all"
      [[registry.mirror]]
      location = "one.example.com"
      [[registry.mirror]]
      location = "two.example.com:5000/cache/"
      insecure = true
      pull-from-mirror = "digest-only"
      [[registry]]
      location = "docker.io"
      mirror-by-digest-only = true
      [[registry.mirror]]
      location = "hub.example.com/hub"`)
    const all = await find(machine)
    expect(all.map(({ url, repository }) => `${url} ${repository}`)).toEqual([
      'https://one.example.com/v2 app',
      'https://two.example.com:5000/v2 cache/app',
      'https://store.example.com/v2 all/app',
    ])
    expect(all[0]).toMatchObject({
      isMirror: true,
      namespace: 'h.example.com',
      registry: 'one.example.com',
      can: { pull: true, resolve: true, push: false },
      tls: { verify: true },
    })
    expect(all[1]).toMatchObject({ can: { resolve: false }, allowsPlainHttp: true, tls: { verify: false } })
    expect(all[2]).toMatchObject({ isMirror: false, can: { push: true }, tls: { verify: true } })
    const hub = await find(machine, BUSYBOX)
    expect(hub.map(({ url, repository, can }) => [url, repository, can.resolve])).toEqual([
      ['https://hub.example.com/v2', 'hub/library/busybox', false],
      ['https://registry-1.docker.io/v2', 'library/busybox', true],
    ])
  })

  test('the longest prefix decides; drop-ins replace rules of the same prefix', async () => {
    const machine = conf(`
      [[registry]]
      prefix = "*.example.com"
      location = "all.invalid"
      [[registry]]
      prefix = "h.example.com/team"
      location = "team.invalid"
      [[registry]]
      prefix = "h.example.com/team/ap"
      location = "no.invalid"`)
    expect(await urls(machine)).toEqual(['https://team.invalid/v2 app'])
    expect(await urls(machine, { domain: 'g.example.com:1', path: 'a' })).toEqual(['https://all.invalid:1/v2 a'])
    expect(await urls(machine, { domain: 'g.example.com', path: 'a' })).toEqual(['https://all.invalid/v2 a'])
    machine.write(
      'etc/containers/registries.conf.d/10.conf',
      '[[registry]]\nprefix="h.example.com/team"\nlocation="ten.invalid"',
    )
    machine.write('etc/containers/registries.conf.d/20.txt', 'not read')
    expect(await urls(machine)).toEqual(['https://ten.invalid/v2 app'])
    machine.write(
      'home/.config/containers/registries.conf.d/05.conf',
      '[[registry]]\nprefix="h.example.com/team"\nlocation="own.invalid"',
    )
    expect(await urls(machine)).toEqual(['https://own.invalid/v2 app'])
  })

  test('the file of the user stands in place of that of the machine; a variable before both', async () => {
    const machine = conf('[[registry]]\nlocation="h.example.com"\nblocked=true')
    machine.write('home/.config/containers/registries.conf', '')
    expect(await urls(machine)).toEqual(['https://h.example.com/v2 team/app'])
    machine.env['CONTAINERS_REGISTRIES_CONF'] = path.join(machine.etc, 'containers/registries.conf')
    await expect(find(machine)).rejects.toMatchObject({ code: 'REGISTRY_BLOCKED' })
  })

  test('what is blocked stays blocked, whatever other files say', async () => {
    const machine = conf(
      '[[registry]]\nprefix="*.example.com"\nblocked=true\n[[registry]]\nlocation="docker.io"\nblocked=true',
    )
    machine.write('etc/containerd/certs.d/h.example.com/hosts.toml', 'server="https://other"')
    machine.write('etc/docker/daemon.json', { 'registry-mirrors': ['https://m'] })
    await expect(find(machine)).rejects.toMatchObject({
      code: 'REGISTRY_BLOCKED',
      message: `registry *.example.com is blocked in ${machine.etc}/containers/registries.conf`,
    })
    await expect(find(machine, BUSYBOX)).rejects.toMatchObject({ code: 'REGISTRY_BLOCKED' })
  })

  test('version 1', async () => {
    const machine = conf(`
      [registries.search]
      registries = ["docker.io"]
      [registries.insecure]
      registries = ["h.example.com"]
      [registries.block]
      registries = ["bad.example.com"]`)
    expect((await find(machine))[0]).toMatchObject({ allowsPlainHttp: true, tls: { verify: false } })
    await expect(find(machine, { domain: 'bad.example.com', path: 'a' })).rejects.toMatchObject({
      code: 'REGISTRY_BLOCKED',
    })
  })

  test.each([
    ['[[registry]]\nlocation = 5', ':2: registry[1].location must be a string'],
    [
      '[[registry]]\nlocation = "a"\n[[registry]]\nlocation="b"\nblocked = "yes"',
      ':5: registry[2].blocked must be true or false',
    ],
    ['[[registry]]\n\nlocation =', ':3: this is not TOML'],
    ['[[registry]]\ninsecure = true', ': invalid condition: both location and prefix are unset'],
    ['\n[[registry]]\nlocation = "https://h"', `:3: invalid location 'https://h': URI schemes are not supported`],
    ['[[registry]]\nprefix="h"\nlocation="*.h"', 'it cannot stand for several hosts'],
    ['[[registry]]\nlocation="h"\n[[registry.mirror]]', ':2: invalid condition: mirror location is unset'],
    [
      '[[registry]]\nlocation="h"\npull-from-mirror="all"',
      'pull-from-mirror must not be set for a non-mirror registry "h"',
    ],
    [
      '[[registry]]\nlocation="h"\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation="m"\npull-from-mirror="all"',
      'cannot set mirror usage mirror-by-digest-only for the registry ("h") and pull-from-mirror for per-mirror ("m") at the same time',
    ],
    [
      '[[registry]]\nlocation="h"\n[[registry.mirror]]\nlocation="m"\npull-from-mirror="never"',
      'must be "all", "digest-only" or "tag-only"',
    ],
    [
      '[[registry]]\nlocation="h"\nblocked=true\n[[registry]]\nprefix="x"\nlocation="h"',
      `registry 'h' is defined multiple times with conflicting 'blocked' setting`,
    ],
    ['unqualified-search-registries=["h"]\n[registries.search]\nregistries=["h"]', 'mixing sysregistry v1/v2'],
  ])('%j', async (text, message) => {
    const machine = conf(text)
    const error = { code: 'REGISTRY_CONFIG_INVALID', message: expect.stringContaining(message) }
    await expect(find(machine)).rejects.toMatchObject(error)
    await expect(find(machine)).rejects.toThrow(`${machine.etc}/containers/registries.conf`)
  })

  test('a name that cannot be one is an error that says how it came about', async () => {
    const machine = conf('[[registry]]\nprefix="h.example.com/team"\nlocation="HOST/Up"')
    await expect(find(machine)).rejects.toThrow(
      '"h.example.com/team/app" with "HOST/Up" in place of "h.example.com/team" is "HOST/Up/app", which is no repository',
    )
  })
})

describe('hosts.toml', () => {
  const HOSTS = 'etc/containerd/certs.d/h.example.com/hosts.toml'
  const hosts = (text: string, file = HOSTS): Machine => {
    const machine = openMachine()
    machine.write(file, text)
    return machine
  }

  test('hosts in their order, then the server', async () => {
    const all = await find(
      hosts(`
      server = "https://up.example.com"
      [host."https://one.example.com"]
      capabilities = ["pull"]
      dial_timeout = "1.5s"
      [host."http://two.example.com:5000/cache"]
      skip_verify = true
      [host."http://two.example.com:5000/cache".header]
      X-Key = "a"
      X-List = ["b", "c"]
      [host."three.example.com/x/"]
      override_path = true
      capabilities = ["resolve", "pull"]`),
    )
    expect(all.map(({ url }) => url)).toEqual([
      'https://one.example.com/v2',
      'http://two.example.com:5000/cache/v2',
      'https://three.example.com/x',
      'https://up.example.com/v2',
    ])
    expect(all.map(({ can }) => [can.pull, can.resolve, can.push])).toEqual([
      [true, false, false],
      [true, true, true],
      [true, true, false],
      [true, true, true],
    ])
    expect(all[0]).toMatchObject({
      connectTimeout: 1500,
      namespace: 'h.example.com',
      isMirror: true,
      repository: 'team/app',
    })
    expect(all[1]).toMatchObject({
      headers: { 'X-Key': 'a', 'X-List': 'b, c' },
      allowsPlainHttp: true,
      tls: { verify: false },
    })
    expect(all[3]).toMatchObject({ isMirror: false, namespace: 'h.example.com', headers: {}, tls: { verify: true } })
  })

  test('without a server the registry itself comes last, unless it is there already', async () => {
    const machine = hosts(
      '[host."https://m.example.com"]\n[host."https://h.example.com"]\ncapabilities=["pull","resolve"]',
    )
    const [, own, again] = await find(machine)
    expect(own).toMatchObject({ url: 'https://h.example.com/v2', isMirror: false, can: { push: false } })
    expect(again).toMatchObject({ url: 'https://h.example.com/v2', isMirror: false, can: { push: true } })
    machine.write(HOSTS, '[host."https://h.example.com"]\n[host."https://m.example.com"]')
    expect(await urls(machine)).toEqual(['https://h.example.com/v2 team/app', 'https://m.example.com/v2 team/app'])
  })

  test('what stands at the top is for the server', async () => {
    const [only] = await find(hosts('skip_verify = true\ncapabilities = ["pull"]'))
    expect(only).toMatchObject({ url: 'https://h.example.com/v2', can: { push: false }, tls: { verify: false } })
  })

  test.each([
    ['etc/containerd/certs.d/h_5000_/hosts.toml', { domain: 'h:5000', path: 'a' }],
    ['etc/containerd/certs.d/h:5000/hosts.toml', { domain: 'h:5000', path: 'a' }],
    ['etc/docker/certs.d/docker.io/hosts.toml', BUSYBOX],
    ['home/.config/containerd/certs.d/h.example.com/hosts.toml', APP],
    ['etc/containerd/certs.d/_default/hosts.toml', APP],
  ])('%s', async (file, name) => {
    expect((await find(hosts('[host."https://m.example.com"]', file), name))[0]!.url).toBe('https://m.example.com/v2')
  })

  test('that of the registry, registries.conf, daemon.json, that of all others: the first that says something', async () => {
    const machine = hosts('[host."https://default.invalid"]', 'etc/containerd/certs.d/_default/hosts.toml')
    const first = async (): Promise<string> => (await find(machine, BUSYBOX))[0]!.url
    expect(await first()).toBe('https://default.invalid/v2')
    machine.write('etc/docker/daemon.json', { 'registry-mirrors': ['https://daemon.invalid'] })
    expect(await first()).toBe('https://daemon.invalid/v2')
    machine.write(
      'etc/containers/registries.conf',
      '[[registry]]\nlocation="docker.io"\n[[registry.mirror]]\nlocation="conf.invalid"',
    )
    expect(await first()).toBe('https://conf.invalid/v2')
    machine.write('etc/containerd/certs.d/docker.io/hosts.toml', '[host."https://own.invalid"]')
    expect(await first()).toBe('https://own.invalid/v2')
  })

  test.each([
    ['server = 1', ':1: server must be a string'],
    [
      '[host."https://m"]\ncapabilities = ["fly"]',
      ':2: host.https://m.capabilities[1] must be "pull", "resolve" or "push"',
    ],
    ['[host."https://u:p@m"]', ':1: a host must be like'],
    ['[host."https://m"]\n\ndial_timeout = "soon"', ':3: host.https://m.dial_timeout must be a duration such as "3s"'],
    ['dial_timeout = "-1s"', ':1: dial_timeout must be a duration'],
    ['dial_timeout = "1000h"', ':1: dial_timeout must be a duration'],
    ['[host."https://m".header]\nx = "a\\nb"', 'header "x" cannot be sent'],
    ['[host."https://m"]\nca = "nowhere.pem"', 'certs.d/h.example.com/nowhere.pem: no such file or directory'],
    ['server = "x', ':1: this is not TOML'],
  ])('%j', async (text, message) => {
    await expect(find(hosts(text))).rejects.toMatchObject({
      code: 'REGISTRY_CONFIG_INVALID',
      message: expect.stringContaining(message),
    })
  })

  test('a repository cannot lead out of the folder', async () => {
    const machine = hosts('server="https://evil"', 'etc/containerd/certs.d/hosts.toml')
    expect(await urls(machine, { domain: '..', path: 'a' })).toEqual(['https://../v2 a'])
    expect(await urls(machine, { domain: '.', path: 'a' })).toEqual(['https://./v2 a'])
  })
})

describe('credentials of a registry that has another address', () => {
  const registryOf = async (machine: Machine): Promise<string> => (await find(machine)).at(-1)!.registry

  test.each([
    ['etc/containerd/certs.d/h.example.com/hosts.toml', 'server = "https://store.example.com"'],
    ['etc/containers/registries.conf', '[[registry]]\nprefix="h.example.com"\nlocation="store.example.com"'],
  ])('%s', async (file, text) => {
    const machine = openMachine()
    machine.write(file, text)
    expect(await registryOf(machine)).toBe('h.example.com')
    machine.write('home/.docker/config.json', { auths: { 'h.example.com': authOf('a', 'b') } })
    expect(await registryOf(machine)).toBe('h.example.com')
    machine.write('home/.docker/config.json', { auths: { 'store.example.com/team': authOf('a', 'b') } })
    expect(await registryOf(machine)).toBe('store.example.com')
  })

  test.each([
    ['etc/containerd/certs.d/docker.io/hosts.toml', BUSYBOX, 'Docker Hub'],
    ['etc/containerd/certs.d/_default/hosts.toml', APP, 'any registry'],
  ])('a server in %s does not get those of %s', async (file, name) => {
    const machine = openMachine()
    machine.write(file, 'server = "https://cache.example.com"')
    machine.write('home/.docker/config.json', { auths: { [name.domain]: authOf('a', 'b') } })
    expect((await find(machine, name)).map(({ registry }) => registry)).toEqual(['cache.example.com'])
  })

  test('never go to a mirror', async () => {
    const machine = openMachine()
    machine.write('etc/containerd/certs.d/h.example.com/hosts.toml', '[host."https://m.example.com"]')
    machine.write('home/.docker/config.json', { auths: { 'h.example.com': authOf('a', 'b') } })
    expect((await find(machine)).map(({ registry }) => registry)).toEqual(['m.example.com', 'h.example.com'])
  })
})

describe('headers of config.json', () => {
  test('those that are meant for registries', async () => {
    const machine = openMachine()
    const HttpHeaders = { 'X-Meta-Team': 'a', 'User-Agent': 'b', 'X-Meta-Bad': 'c\r\nd', 'X-Meta-': 'e' }
    machine.write('home/.docker/config.json', { HttpHeaders })
    expect((await find(machine))[0]!.headers).toEqual({ 'X-Meta-Team': 'a' })
  })
})

test('empty folders say nothing', async () => {
  const machine = openMachine()
  for (const folder of [
    'containerd/certs.d/h.example.com',
    'docker/certs.d/h.example.com',
    'containers/registries.conf.d',
  ])
    mkdirSync(path.join(machine.etc, folder), { recursive: true })
  expect(await urls(machine)).toEqual(['https://h.example.com/v2 team/app'])
})

test('the registry itself has its own address, whatever else answers for it', async () => {
  const machine = openMachine()
  machine.write('etc/docker/certs.d/docker.io/hosts.toml', 'server = "https://cache.example.com"\n')
  machine.write('etc/docker/daemon.json', { 'registry-mirrors': ['https://mirror.example.com'] })
  const hub = { domain: 'docker.io', path: '' }
  expect((await machine.settings().endpoints(hub)).map(({ url }) => url)).toEqual(['https://cache.example.com/v2'])
  const itself = await machine.settings().endpoints(hub, { itself: true })
  expect(itself.map(({ url, registry }) => [url, registry])).toEqual([['https://registry-1.docker.io/v2', 'docker.io']])
})
