import { fail } from '../core/index.ts'

/** Who a process in a container is. */
export interface ContainerUser {
  uid: number
  gid: number
  additionalGids: number[]
}

/** The account files of an image, as far as it has them. */
export interface AccountFiles {
  passwd?: Uint8Array | undefined
  group?: Uint8Array | undefined
}

interface PasswdEntry {
  name: string
  uid: number
  gid: number
  home: string
}

interface GroupEntry {
  name: string
  gid: number
  members: string[]
}

/** Larger account files are refused (CVE-2026-47262: an image with a giant /etc/group). Bytes. */
export const ACCOUNT_FILE_LIMIT = 16_777_216

const MAX_ID = 2 ** 31 - 1

/**
 * Finds out who `USER spec` means in an image: `name`, `uid`, `name:group`, `uid:gid` and mixtures; empty means root.
 * A user without a group takes the group of its passwd entry and the supplementary groups that list it; with an
 * explicit group it gets only that one. Fails with `USER_UNKNOWN` or `USER_INVALID`, in Docker's words.
 */
export function resolveUser(spec: string, files: AccountFiles): ContainerUser {
  const [userPart, groupPart, ...rest] = spec.split(':')
  if (rest.length > 0) throw fail('USER_INVALID', `invalid user ${JSON.stringify(spec)}`)
  const user = findUser(userPart || '0', files)
  if (groupPart) return { uid: user.uid, gid: findGroup(groupPart, files), additionalGids: [] }
  const groups = user.name === undefined ? [] : readGroups(files.group)
  const additionalGids = groups.filter((group) => group.members.includes(user.name!)).map((group) => group.gid)
  return { uid: user.uid, gid: user.gid, additionalGids: [...new Set(additionalGids)] }
}

/**
 * The owner that `--chown=spec` means. As `resolveUser`, but a numeric user without a group also gives the group of
 * the same number, and names must exist in the image.
 */
export function resolveOwner(spec: string, files: AccountFiles): { uid: number; gid: number } {
  const [userPart = '', groupPart] = spec.split(':')
  const user = findUser(userPart || '0', files)
  if (groupPart) return { uid: user.uid, gid: findGroup(groupPart, files) }
  return { uid: user.uid, gid: isNumeric(userPart) ? user.uid : user.gid }
}

/** The folder that a user calls home: that of its passwd entry, else the root folder, as with Docker. */
export function homeOf(uid: number, files: AccountFiles): string {
  return readUsers(files.passwd).find((entry) => entry.uid === uid)?.home || '/'
}

function findUser(text: string, files: AccountFiles): { uid: number; gid: number; name?: string } {
  const entries = readUsers(files.passwd)
  // a name of digits wins over the number, as in Docker
  const named = entries.find((entry) => entry.name === text)
  if (named) return named
  if (!isNumeric(text)) {
    throw fail('USER_UNKNOWN', `unable to find user ${text}: no matching entries in passwd file`)
  }
  const uid = parseId(text)
  return entries.find((entry) => entry.uid === uid) ?? { uid, gid: 0 }
}

function findGroup(text: string, files: AccountFiles): number {
  const named = readGroups(files.group).find((group) => group.name === text)
  if (named) return named.gid
  if (isNumeric(text)) return parseId(text)
  throw fail('USER_UNKNOWN', `unable to find group ${text}: no matching entries in group file`)
}

const isNumeric = (text: string): boolean => /^\d+$/.test(text)

function parseId(text: string): number {
  const id = Number(text)
  if (id > MAX_ID) throw fail('USER_INVALID', `uids and gids must be in range 0-${MAX_ID}`)
  return id
}

function readUsers(file: Uint8Array | undefined): PasswdEntry[] {
  return records(file)
    .filter((fields) => isNumeric(fields[2] ?? '') && isNumeric(fields[3] ?? ''))
    .map((fields) => ({ name: fields[0]!, uid: Number(fields[2]), gid: Number(fields[3]), home: fields[5] ?? '' }))
}

function readGroups(file: Uint8Array | undefined): GroupEntry[] {
  return records(file)
    .filter((fields) => isNumeric(fields[2] ?? ''))
    .map((fields) => ({
      name: fields[0]!,
      gid: Number(fields[2]),
      members: (fields[3] ?? '').split(',').map((member) => member.trim()),
    }))
}

function records(file: Uint8Array | undefined): string[][] {
  if (!file) return []
  const lines = Buffer.from(file).toString('utf8').split('\n')
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
}
