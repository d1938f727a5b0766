import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'

type Fill = (folder: string) => void

/** Files by name; a name that ends with a slash is an empty folder. */
function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    const at = path.join(folder, name)
    mkdirSync(name.endsWith('/') ? at : path.dirname(at), { recursive: true })
    if (!name.endsWith('/')) writeFileSync(at, content)
  }
}

/** A small tree for Dockerfiles that come without one: `context/` with files and folders, `ignore/`, a .dockerignore. */
export function sampleTree(folder: string): void {
  write(folder, {
    LICENSE: 'free for all\n',
    '.dockerignore': 'ignore/**\n!ignore/foo\n',
    'ignore/foo': 'kept\n',
    'ignore/bar': 'left out\n',
    'ignore/baz': 'left out\n',
    'context/foo': 'foo\n',
    'context/bar/bat': 'bat\n',
    'context/bar/baz': 'baz\n',
    'context/bar/bam/bat': 'deep\n',
    'context/qux/qup': 'qup\n',
    'context/qux/quw/que': 'que\n',
    'context/qux/quz': 'quz\n',
    'context/arr[0].txt': 'odd\n',
    'context/empty': '',
  })
}

/** Files and folders of many modes, hidden ones, links of both kinds, odd names. */
function tree(folder: string): void {
  write(folder, {
    'a.txt': 'a\n',
    'b.txt': 'b\n',
    '.hidden': 'hidden\n',
    'dir/one': '1\n',
    'dir/two': '2\n',
    'dir/.dot': '.\n',
    'dir/sub/three': '3\n',
    'dir/sub/deep/four': '4\n',
    'empty/': '',
    'modes/plain': 'p\n',
    'modes/program': '#!/bin/sh\n',
    'modes/private': 's\n',
    'modes/setuid': 'u\n',
    'modes/folder/inside': 'i\n',
    'modes/sticky/inside': 'i\n',
    'space name/file here': ' \n',
    dollar$name: '$\n',
    'uni/grüße-日本': 'u\n',
    'class[1].txt': '[\n',
    'star*.txt': '*\n',
    'big.bin': 'x'.repeat(300_000),
  })
  const modes = { plain: 0o664, program: 0o755, private: 0o600, setuid: 0o6755, folder: 0o750, sticky: 0o1777 }
  for (const [name, mode] of Object.entries(modes)) chmodSync(path.join(folder, 'modes', name), mode)
  chownSync(path.join(folder, 'a.txt'), 1234, 2345)
  utimesSync(path.join(folder, 'b.txt'), 1_000_000_000, 1_000_000_000)
}

/** Symlinks that stay inside, lead out, dangle, loop, and chain; hard links. */
function links(folder: string): void {
  write(folder, { 'real/file': 'real\n', 'real/sub/inner': 'inner\n', top: 'top\n', 'hard/first': 'hard\n' })
  const symlinks = {
    'to-file': 'real/file',
    'to-dir': 'real',
    'to-link': 'to-file',
    absolute: '/real/file',
    outside: '../../../../etc/passwd',
    dangling: 'nowhere',
    loop: 'loop',
    'real/up': '../top',
    'real/sub/self': '.',
  }
  for (const [name, target] of Object.entries(symlinks)) symlinkSync(target, path.join(folder, name))
  linkSync(path.join(folder, 'hard/first'), path.join(folder, 'hard/second'))
  linkSync(path.join(folder, 'hard/first'), path.join(folder, 'third'))
}

/** Archives of every compression, with owners, links, odd names; files that only look like one. */
function archives(folder: string): void {
  const inside = path.join(folder, 'inside')
  write(inside, { 'in/file': 'in\n', 'in/sub/deep': 'deep\n', top: 'top\n' })
  symlinkSync('file', path.join(inside, 'in/link'))
  linkSync(path.join(inside, 'in/file'), path.join(inside, 'in/hard'))
  chmodSync(path.join(inside, 'in/sub'), 0o2750)
  chownSync(path.join(inside, 'in/file'), 77, 88)
  const tar = (name: string, ...flags: string[]): void => {
    execFileSync('tar', [...flags, '--numeric-owner', '--sort=name', '-cf', path.join(folder, name), '-C', inside, '.'])
  }
  tar('plain.tar')
  tar('gz.tar.gz', '-z')
  tar('bz2.tar.bz2', '-j')
  tar('xz.tar.xz', '-J')
  tar('zst.tar.zst', '--zstd')
  tar('noext', '-z')
  const one = ['--transform', 's,^,/abs/,', '-P', '-cf', path.join(folder, 'absolute.tar'), '-C', inside, 'top']
  execFileSync('tar', one)
  const flat = ['-cf', path.join(folder, 'flat.tar'), '-C', inside, 'top', 'in/file']
  execFileSync('tar', flat)
  // a link whose other name is not in the archive
  const linking = path.join(folder, 'linking.tar')
  execFileSync('tar', ['--numeric-owner', '-cf', linking, '-C', inside, 'in/file', 'in/hard', 'top'])
  execFileSync('tar', ['--delete', '-f', linking, 'in/file'])
  const other = path.join(folder, 'other')
  write(other, { 'top/is-a-folder': 'f\n', in: 'is a file\n' })
  execFileSync('tar', ['-cf', path.join(folder, 'crossed.tar'), '-C', other, 'top', 'in'])
  execFileSync('gzip', ['-kn', path.join(inside, 'top')])
  execFileSync('mv', [path.join(inside, 'top.gz'), path.join(folder, 'text.gz')])
  write(folder, { 'fake.tar': 'this is no archive\n', 'empty.tar': '' })
  writeFileSync(path.join(folder, 'zeros.tar'), Buffer.alloc(10_240))
  execFileSync('rm', ['-r', inside, other])
}

/** Extended attributes on files, and in an archive. */
function attributes(folder: string): void {
  write(folder, { 'in/plain': 'p\n', 'in/capable': '#!/bin/sh\n' })
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept?', path.join(folder, 'in/plain')])
  execFileSync('setcap', ['cap_net_raw+ep', path.join(folder, 'in/capable')])
  execFileSync('tar', ['--xattrs', '--xattrs-include=*', '-cf', path.join(folder, 'x.tar'), '-C', folder, 'in'])
}

/** Pipes and sockets have no business in a context, but are there. */
function special(folder: string): void {
  write(folder, { file: 'f\n' })
  execFileSync('mkfifo', [path.join(folder, 'pipe')])
}

/** What fills the context of a case, by the name that a case gives. */
export const CONTEXTS: Readonly<Record<string, Fill>> = {
  none: () => {},
  sample: sampleTree,
  tree,
  links,
  archives,
  attributes,
  special,
}
