import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRoot, PRIVATE_MOUNTS, startChild, temporaryFolder, until } from './child.suite.ts'
import { bindMount, mount, unmount } from './index.ts'

const isMounted = (target: string): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${target} `)

describe.skipIf(!isRoot)('mounting (needs root)', () => {
  let folder: string
  const mounted: string[] = []

  beforeEach(() => {
    folder = temporaryFolder()
  })

  afterEach(() => {
    for (const target of mounted.splice(0).reverse()) if (isMounted(target)) unmount(target, { detach: true })
  })

  function place(name: string, files: Record<string, string> = {}): string {
    const target = path.join(folder, name)
    mkdirSync(target, { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(target, file), text)
    return target
  }

  function tmpfs(target: string, options: string[] = [], attributes: Parameters<typeof mount>[2] = []): string {
    mount({ type: 'tmpfs', source: 'test', options }, target, attributes)
    mounted.push(target)
    return target
  }

  function overlay(options: string[]): string {
    const target = place('merged')
    mount({ type: 'overlay', source: 'test', options }, target)
    mounted.push(target)
    return target
  }

  test('a file system with options appears and goes away', () => {
    const target = tmpfs(place('t'), ['size=1m', 'mode=700'])
    writeFileSync(path.join(target, 'inside'), 'x')
    expect(() => writeFileSync(path.join(target, 'big'), Buffer.alloc(2 << 20))).toThrow(/ENOSPC/)
    unmount(target)
    expect(readdirSync(target)).toEqual([])
    expect(isMounted(target)).toBe(false)
  })

  test('attributes hold', () => {
    const target = tmpfs(place('t'), [], ['ro', 'nosuid', 'nodev', 'noexec'])
    expect(() => writeFileSync(path.join(target, 'x'), '')).toThrow(/EROFS/)
    const line = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((each) => each.includes(` ${target} `))
    expect(line).toMatch(/ ro,nosuid,nodev,noexec[, ]/)
  })

  test('errors carry the code and the kernel’s own words', () => {
    const target = place('t')
    const failure = (work: () => void): Record<string, unknown> => {
      try {
        work()
      } catch (error) {
        return { code: (error as NodeJS.ErrnoException).code, message: (error as Error).message }
      }
      throw new Error('it did not fail')
    }
    expect(failure(() => mount({ type: 'nonsense', source: 'x', options: [] }, target))).toMatchObject({
      code: 'ENODEV',
    })
    expect(failure(() => tmpfs(target, ['nonsense=1']))).toEqual({
      code: 'EINVAL',
      message: `cannot mount tmpfs on ${target}: EINVAL: fsconfig 'nonsense=1'; tmpfs: Unknown parameter 'nonsense'`,
    })
    expect(failure(() => tmpfs(path.join(folder, 'none')))).toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining('move_mount'),
    })
    const lower = place('lower')
    const many = Array.from({ length: 501 }, () => `lowerdir+=${lower}`)
    expect(failure(() => overlay(many))).toMatchObject({
      code: 'EINVAL',
      message: expect.stringMatching(/too many lower directories, limit is 500/),
    })
    expect(isMounted(target)).toBe(false)
  })

  test('an error leaves no descriptor open', () => {
    const open = (): number => readdirSync('/proc/self/fd').length
    const long = place('long-'.repeat(50), {})
    const before = open()
    for (let i = 0; i < 20; i++) {
      expect(() => overlay([`lowerdir+=${path.join(long, 'x'.repeat(200))}`])).toThrow(/ENOENT/)
      expect(() => overlay([`lowerdir+=${long}`, 'nonsense=1'])).toThrow(/Unknown parameter/)
    }
    expect(open()).toBe(before)
  })

  test('more than 4,095 bytes of options: 200 layers, every one of them there', () => {
    const lowers = Array.from({ length: 200 }, (_, at) => place(`layer-number-${at}`, { [`file-${at}`]: String(at) }))
    const options = lowers.map((lower) => `lowerdir+=${lower}`)
    expect(options.join(',').length).toBeGreaterThan(4095)
    const target = overlay(options)
    expect(readdirSync(target)).toHaveLength(200)
    expect(readFileSync(path.join(target, 'file-199'), 'utf8')).toBe('199')
  })

  test.each(['plain', 'long', 'with a space', 'a:b', 'a,b', 'a=b', 'a\\b', 'a\\:b', 'a\nb', 'ä €'])(
    'an overlay of folders below %j',
    (kind) => {
      const base = kind === 'long' ? path.join('x'.repeat(200), 'y'.repeat(200)) : kind
      if (kind === 'a\\:b') place('a:b/upper') // what the escape would lead to
      const lower = place(path.join(base, 'lower'), { below: 'lower', both: 'lower' })
      const upper = place(path.join(base, 'upper'), { both: 'upper' })
      const target = overlay([`lowerdir+=${lower}`, `upperdir=${upper}`, `workdir=${place(path.join(base, 'work'))}`])
      expect(readFileSync(path.join(target, 'below'), 'utf8')).toBe('lower')
      expect(readFileSync(path.join(target, 'both'), 'utf8')).toBe('upper')
      writeFileSync(path.join(target, 'new'), 'written')
      expect(readFileSync(path.join(upper, 'new'), 'utf8')).toBe('written')
    },
  )

  test('a source and a device with long paths', () => {
    // the kernel opens both before it looks at what is in them
    const file = path.join(place('s'.repeat(150)), 'f'.repeat(200))
    writeFileSync(file, Buffer.alloc(4096))
    const target = place('t')
    expect(() => mount({ type: 'erofs', source: file, options: [`device=${file}`] }, target)).toThrow(
      /cannot find valid erofs superblock|EINVAL/,
    )
    expect(() => mount({ type: 'erofs', source: `${file}x`, options: [] }, target)).toThrow(/ENOENT/)
  })

  test('bind mounts: a folder, a file, read-only', () => {
    const source = place('source', { file: 'text' })
    const target = place('target')
    bindMount(source, target)
    mounted.push(target)
    writeFileSync(path.join(target, 'new'), 'seen')
    expect(readFileSync(path.join(source, 'new'), 'utf8')).toBe('seen')
    const file = path.join(place('files', { one: '' }), 'one')
    bindMount(Buffer.from(path.join(source, 'file')), Buffer.from(file), { readonly: true })
    mounted.push(file)
    expect(readFileSync(file, 'utf8')).toBe('text')
    expect(() => writeFileSync(file, 'changed')).toThrow(/EROFS/)
    expect(() => bindMount(path.join(folder, 'none'), target)).toThrow(/ENOENT: mount/)
  })

  test('what is in use is only detached', () => {
    const target = tmpfs(place('t'))
    writeFileSync(path.join(target, 'held'), 'still here')
    const before = process.cwd()
    process.chdir(target)
    try {
      expect(() => unmount(target)).toThrow(/EBUSY: umount2/)
      unmount(target, { detach: true })
      expect(isMounted(target)).toBe(false)
      expect(readFileSync('held', 'utf8')).toBe('still here')
    } finally {
      process.chdir(before)
    }
    expect(() => unmount(target)).toThrow(/EINVAL/)
  })

  test('a mount in a private namespace is not seen outside and goes with kill -9', async () => {
    const target = place('private')
    const child = startChild(
      async ({ host, fs, tell, linger }, at) => {
        host.adoptPrivateMounts()
        host.mount({ type: 'tmpfs', source: 'test', options: [] }, at)
        fs.writeFileSync(`${at}/secret`, 'x')
        tell(fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${at} `))
        return linger()
      },
      target,
      { wrapper: PRIVATE_MOUNTS },
    )
    expect(await child.next()).toBe(true)
    expect(isMounted(target)).toBe(false)
    expect(readdirSync(target)).toEqual([])
    const inside = `/proc/${child.pid}/root${target}`
    expect(readdirSync(inside)).toEqual(['secret'])
    child.kill('SIGKILL')
    await child.ended
    await until(() => !isMounted(target), 'the mount is gone')
    rmSync(target, { recursive: true }) // EBUSY if anything were mounted there in any namespace of ours
  })

  test('mounts that the host makes later arrive in a private namespace', async () => {
    const shared = tmpfs(place('shared'))
    execFileSync('mount', ['--make-shared', shared])
    const child = startChild(
      async ({ host, fs, tell, hear }, at) => {
        host.adoptPrivateMounts()
        tell('ready')
        await hear()
        return fs.readdirSync(at)
      },
      path.join(shared, 'later'),
      { wrapper: ['unshare', '--mount', '--propagation', 'unchanged'] },
    )
    expect(await child.next()).toBe('ready')
    mkdirSync(path.join(shared, 'later'))
    tmpfs(path.join(shared, 'later'))
    writeFileSync(path.join(shared, 'later/file'), '')
    child.say('go')
    expect(await child.next()).toEqual({ result: ['file'] })
  })

  test('a path with a NUL is refused, not cut', () => {
    expect(() => mount({ type: 'tmpfs', source: 'a\0b', options: [] }, place('t'))).toThrow(/EINVAL/)
    expect(() => bindMount('/\0/etc', place('t'))).toThrow(/EINVAL/)
  })
})
