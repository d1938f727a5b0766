import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { plainBuild } from '../case.ts'
import type { Docker } from '../docker.ts'
import { Slipway } from '../slipway.ts'

/** The host's busybox may have been made without it. */
const BUSYBOX = `FROM busybox
COPY --chmod=755 <<"EOF" /bin/adduser
#!/bin/sh
for name; do :; done
id=$((1000 + $(wc -l < /etc/passwd)))
echo "$name:x:$id:$id::/home/$name:/bin/sh" >> /etc/passwd
echo "$name:x:$id:" >> /etc/group
mkdir -p "/home/$name"
EOF
`

const HELLO = `FROM busybox
COPY --chmod=755 <<"EOF" /hello
#!/bin/sh
echo "Hello from Docker!"
EOF
`

const ALPINE = `FROM busybox
COPY <<EOF /etc/alpine-release
3.20.0
EOF
`

/** What the cases start from, by name; all of it is made of the host's busybox. */
const MADE: Readonly<Record<string, string>> = { busybox: BUSYBOX, alpine: ALPINE, 'hello-world:frozen': HELLO }

/**
 * Makes the images that cases start from in the store `template` and, where there is one, gives them to Docker as well.
 * Returns their names with tags.
 */
export async function prepareBases(template: string, docker: Docker | undefined, work: string): Promise<Set<string>> {
  using slipway = new Slipway(template)
  await slipway.engine.bootstrap({ what: 'busybox' })
  const names = Object.keys(MADE)
  const folder = path.join(work, 'base')
  for (const [name, dockerfile] of Object.entries(MADE)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
    const ending = await slipway.build(plainBuild(dockerfile), folder, name)
    if (!ending.ok) throw new Error(`${name}: ${ending.message}`)
    rmSync(folder, { recursive: true })
  }
  if (docker) for (const name of names) await handOver(slipway, docker, name, path.join(work, 'base.tar'))
  return new Set(names.map((name) => (name.includes(':') ? name : `${name}:latest`)))
}

async function handOver(slipway: Slipway, docker: Docker, name: string, file: string): Promise<void> {
  await slipway.save(name, file)
  await docker.load(file)
  rmSync(file)
}
