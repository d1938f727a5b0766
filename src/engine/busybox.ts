import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { toByteString } from '../core/index.ts'
import type { LayerWriter } from '../layer/index.ts'

// The accounts of the busybox image that everybody knows (they come from Buildroot), so that Dockerfiles that rely on
// them work: name, uid, gid, what it is, home, shell.
const USERS = `root:0:0:root:/root:/bin/sh
daemon:1:1:daemon:/usr/sbin:/bin/false
bin:2:2:bin:/bin:/bin/false
sys:3:3:sys:/dev:/bin/false
sync:4:100:sync:/bin:/bin/sync
mail:8:8:mail:/var/spool/mail:/bin/false
www-data:33:33:www-data:/var/www:/bin/false
operator:37:37:Operator:/var:/bin/false
nobody:65534:65534:nobody:/home:/bin/false`.split('\n')

const GROUPS = `root:0 daemon:1 bin:2 sys:3 adm:4 tty:5 disk:6 lp:7 mail:8 kmem:9 wheel:10 cdrom:11 dialout:18 floppy:19
  video:28 audio:29 tape:32 www-data:33 operator:37 utmp:43 plugdev:46 staff:50 lock:52 netdev:82 users:100
  nobody:65534`.split(/\s+/)

const FOLDERS = ['bin', 'dev', 'etc', 'home', 'proc', 'sys', 'usr', 'usr/bin', 'usr/sbin', 'var', 'var/www']

const nameOf = (line: string): string => line.slice(0, line.indexOf(':'))
const ACCOUNT_FILES: readonly (readonly [name: string, mode: number, lines: readonly string[]])[] = [
  ['etc/passwd', 0o644, USERS.map((line) => line.replace(':', ':x:'))],
  [
    'etc/group',
    0o644,
    GROUPS.map((group) => `${group.replace(':', ':x:')}:${nameOf(group) === 'wheel' ? 'root' : ''}`),
  ],
  ['etc/shadow', 0o640, USERS.map((line) => `${nameOf(line)}:*:::::::`)],
]

/** Writes a root file system around a busybox that needs no libraries: one program under all its names, and accounts. */
export function writeBusybox(writer: LayerWriter, program: string): void {
  const mtime = { seconds: Math.floor(statSync(program).mtimeMs / 1000), nanoseconds: 0 }
  const attributes = (mode: number) => ({ mode, uid: 0, gid: 0, mtime })
  for (const name of FOLDERS) writer.directory(toByteString(name), attributes(0o755))
  writer.directory(toByteString('root'), attributes(0o700))
  writer.directory(toByteString('tmp'), attributes(0o1777))
  for (const [name, mode, lines] of ACCOUNT_FILES)
    writer.file(toByteString(name), attributes(mode), { bytes: Buffer.from(`${lines.join('\n')}\n`) })
  for (const name of ['hosts', 'resolv.conf', 'hostname'])
    writer.file(toByteString(`etc/${name}`), attributes(0o644), { bytes: Buffer.alloc(0) })
  const binary = toByteString('bin/busybox')
  writer.file(binary, attributes(0o755), { hostPath: program })
  for (const applet of appletsOf(program)) writer.hardlink(toByteString(`bin/${applet}`), binary)
  writer.symlink(toByteString('usr/bin/env'), attributes(0o777), toByteString('../../bin/env'))
}

function appletsOf(program: string): string[] {
  const names = execFileSync(program, ['--list'], { encoding: 'utf8' }).split('\n')
  return names.filter((name) => name !== '' && name !== 'busybox')
}
