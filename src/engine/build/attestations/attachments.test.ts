import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Digest } from '../../../core/index.ts'
import { type Descriptor, MEDIA, parseIndex, parseManifest } from '../../../oci/index.ts'
import type { TestStore } from '../../../store/fixture.suite.ts'
import { canRun, openBusyboxEngine, openTestEngine } from '../../fixture.suite.ts'
import { bytesOf, type Engine } from '../../index.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function contextOf(files: Record<string, string>): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-attest-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), text)
  }
  return folder
}

const STATUS = 'Package: tool\nVersion: 1.0\nArchitecture: all\n'
const FILES = { Dockerfile: 'FROM scratch\nARG LEVEL\nWORKDIR /w\nCOPY status /var/lib/dpkg/status\n', status: STATUS }
const BOTH = [{ type: 'sbom' }, { type: 'provenance' }]

interface Attested {
  index: readonly Descriptor[]
  /** Predicates by type, in order. */
  statements: { type: string; subject: unknown[]; predicate: Record<string, unknown> }[]
}

/** What is attached to the image of this digest. */
function attestedIn(store: TestStore, digest: Digest): Attested {
  const index = parseIndex(store.blobs.readWhole(digest)).manifests
  const entry = index.at(-1)!
  const { layers } = parseManifest(store.blobs.readWhole(entry.digest))
  const statements = layers.map((layer) => {
    const { predicateType, subject, predicate } = JSON.parse(
      Buffer.from(store.blobs.readWhole(layer.digest)).toString(),
    )
    expect(layer.annotations).toEqual({ 'in-toto.io/predicate-type': predicateType })
    return { type: predicateType, subject, predicate }
  })
  return { index, statements }
}

test('an image without attestations is a manifest, and the same one that has them', async () => {
  const { engine, store } = openTestEngine()
  const context = contextOf(FILES)
  const plain = await engine.build({ context })
  const attested = await engine.build({ context, attestations: BOTH, tags: ['app:1'] })
  expect(plain.id).toBe(attested.id)
  const { index, statements } = attestedIn(store, attested.digest)
  expect(index).toMatchObject([
    { mediaType: MEDIA.ociManifest, digest: plain.digest, platform: { os: 'linux' } },
    {
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': plain.digest,
      },
    },
  ])
  expect(statements.map(({ type }) => type)).toEqual(['https://spdx.dev/Document', 'https://slsa.dev/provenance/v1'])
  const subject = [
    { name: expect.stringMatching(/^pkg:docker\/app@1\?platform=linux%2F/), digest: { sha256: plain.digest.slice(7) } },
  ]
  for (const statement of statements) expect(statement.subject).toEqual(subject)
})

test('the SBOM lists the packages of the image, and is the same each time', async () => {
  const { engine, store } = openTestEngine()
  const request = { context: contextOf(FILES), attestations: [{ type: 'sbom' }], tags: ['app'] }
  const first = await engine.build(request)
  expect((await engine.build(request)).digest).toBe(first.digest)
  const [{ predicate } = { predicate: {} }] = attestedIn(store, first.digest).statements
  expect(predicate).toMatchObject({
    name: 'app:latest',
    packages: [{ name: 'app:latest' }, { name: 'tool', versionInfo: '1.0' }],
  })
})

test('provenance says what was built from what, step by step', async () => {
  const { engine, store } = openTestEngine()
  const context = contextOf(FILES)
  const request = {
    context,
    attestations: [{ type: 'provenance' }],
    buildArgs: { LEVEL: '3', API_TOKEN: 'hunter22' },
    labels: { l: '1' },
    target: '',
  }
  const { digest, record } = await engine.build(request)
  const [{ predicate } = { predicate: {} }] = attestedIn(store, digest).statements
  expect(predicate).toMatchObject({
    buildDefinition: {
      externalParameters: {
        configSource: { path: 'Dockerfile' },
        request: {
          frontend: 'dockerfile.v0',
          args: { 'build-arg:LEVEL': '3', 'build-arg:API_TOKEN': '***', 'label:l': '1' },
          locals: [{ name: 'context' }, { name: 'dockerfile' }],
        },
      },
      internalParameters: { buildConfig: { llbDefinition: expect.any(Array), digestMapping: expect.any(Object) } },
      resolvedDependencies: [],
    },
    runDetails: {
      metadata: {
        invocationId: record.id,
        buildkit_completeness: { request: true, resolvedDependencies: false },
        buildkit_metadata: {
          source: {
            locations: { step1: { locations: [{ ranges: [{ start: { line: 3 }, end: { line: 3 } }] }] } },
            infos: [{ filename: 'Dockerfile', data: Buffer.from(FILES.Dockerfile).toString('base64') }],
          },
        },
      },
    },
  })
  const steps = (
    predicate as never as { buildDefinition: { internalParameters: { buildConfig: { llbDefinition: unknown[] } } } }
  ).buildDefinition.internalParameters.buildConfig.llbDefinition
  expect(steps).toMatchObject([
    { id: 'step0', op: { Op: {} } },
    { id: 'step1', op: { Op: { file: { actions: [{ Action: { mkdir: { path: '/w' } } }] } } }, inputs: ['step0:0'] },
    { id: 'step2', op: { Op: { source: { identifier: 'local://context' } } } },
    {
      id: 'step3',
      op: {
        Op: {
          file: {
            actions: [{ secondaryInput: 1, Action: { copy: { src: '/status', dest: '/var/lib/dpkg/status' } } }],
          },
        },
      },
      inputs: ['step1:0', 'step2:0'],
    },
    { id: 'step4', op: { Op: {} }, inputs: ['step3:0'] },
  ])
  const { layers } = parseManifest(store.blobs.readWhole(attestedIn(store, digest).index[0]!.digest))
  const metadata = (
    predicate as never as {
      runDetails: { metadata: { buildkit_metadata: { layers: Record<string, Descriptor[][]> } } }
    }
  ).runDetails.metadata
  expect(metadata.buildkit_metadata.layers['step1:0']![0]!.map((layer) => layer.digest)).toEqual([layers[0]!.digest])
  expect(metadata.buildkit_metadata.layers['step3:0']![0]!.map((layer) => layer.digest)).toEqual(
    layers.map((layer) => layer.digest),
  )
})

test('statements about files name each of them with its digest', async () => {
  const { engine } = openTestEngine()
  const context = contextOf({ Dockerfile: 'FROM scratch\nCOPY a b c/ /d/\n', a: 'same', b: 'same', 'c/e': '' })
  const dest = path.join(context, 'out')
  await engine.build({ context, attestations: BOTH, outputs: [{ type: 'local', dest }] })
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
  for (const name of ['provenance.json', 'sbom.spdx.json']) {
    const { subject } = JSON.parse(readFileSync(path.join(dest, name), 'utf8')) as { subject: unknown }
    expect(subject).toEqual([
      { name: 'd/a', digest: { sha256: sha256('same') } },
      { name: 'd/b', digest: { sha256: sha256('same') } },
      { name: 'd/e', digest: { sha256: sha256('') } },
    ])
  }
})

test('mode=min and version=v0.2', async () => {
  const { engine, store } = openTestEngine()
  const build = async (attributes: Record<string, string>): Promise<Record<string, unknown>> => {
    const request = {
      context: contextOf(FILES),
      buildArgs: { LEVEL: '3' },
      attestations: [{ type: 'provenance', attributes }],
    }
    return attestedIn(store, (await engine.build(request)).digest).statements[0]!.predicate
  }
  const min = JSON.stringify(await build({ mode: 'min' }))
  expect(min).not.toMatch(/llbDefinition|LEVEL|infos/)
  expect(min).toContain('"buildkit_completeness":{"request":false')
  expect(await build({ version: 'v0.2', reproducible: 'true', 'builder-id': 'https://ci' })).toMatchObject({
    builder: { id: 'https://ci' },
    buildType: 'https://mobyproject.org/buildkit@v1',
    invocation: { configSource: { entryPoint: 'Dockerfile' }, parameters: { args: { 'build-arg:LEVEL': '3' } } },
    buildConfig: { llbDefinition: expect.any(Array) },
    metadata: { reproducible: true, completeness: { parameters: true, environment: true, materials: false } },
  })
})

test('stages and the context are scanned where the Dockerfile asks for it, and no step sees that', async () => {
  const { engine, store } = openTestEngine()
  const dockerfile = `ARG BUILDKIT_SBOM_SCAN_CONTEXT=true
FROM scratch AS quiet
COPY status /var/lib/dpkg/status
FROM scratch AS builder
ARG BUILDKIT_SBOM_SCAN_STAGE=builder
COPY status /var/lib/dpkg/status
FROM scratch
ARG BUILDKIT_SBOM_SCAN_STAGE=true
LABEL seen=[$BUILDKIT_SBOM_SCAN_STAGE]
COPY --from=builder /var /x
COPY --from=quiet /var /y
`
  const files = {
    Dockerfile: dockerfile,
    status: STATUS,
    '.dockerignore': 'hidden\n',
    'node_modules/a/package.json': '{"name":"a","version":"1"}',
    'hidden/node_modules/b/package.json': '{"name":"b","version":"1"}',
  }
  const { digest } = await engine.build({ context: contextOf(files), tags: ['app'], attestations: [{ type: 'sbom' }] })
  const found = attestedIn(store, digest).statements.map(({ predicate }) => {
    const { name, packages } = predicate as { name: string; packages: { name: string }[] }
    return [name, ...packages.slice(1).map((each) => each.name)]
  })
  expect(found).toEqual([['app:latest'], ['sbom-builder', 'tool'], ['sbom-context', 'a']])
  expect(engine.images.inspect('app')).toMatchObject({ Config: { Labels: { seen: '[]' } } })
})

test('what is wrong is said before anything is built', async () => {
  const { engine } = openTestEngine()
  const request = { context: contextOf(FILES), attestations: [{ type: 'foo' }] }
  await expect(engine.build(request)).rejects.toMatchObject({ code: 'ATTESTATION_INVALID' })
})

async function saved(engine: Engine, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of engine.images.save([name])) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('an image with attestations is listed, saved, loaded, built upon and removed like any other', async () => {
  const { engine, store } = openTestEngine()
  const context = contextOf(FILES)
  const { id, digest } = await engine.build({ context, tags: ['app'], attestations: BOTH })
  expect(engine.images.list()).toMatchObject([{ id, tags: ['app:latest'], roots: [digest] }])
  expect(engine.images.inspect('app')).toMatchObject({ Id: id, Os: 'linux' })
  expect(engine.images.history('app')).toHaveLength(3)
  const child = await engine.build({
    context: contextOf({ Dockerfile: 'FROM app\nWORKDIR /x\n' }),
    tags: ['child'],
    attestations: [{ type: 'provenance' }],
  })
  const { predicate } = attestedIn(store, child.digest).statements[0]!
  expect(predicate).toMatchObject({
    buildDefinition: {
      resolvedDependencies: [
        {
          uri: expect.stringMatching(/^pkg:docker\/app@latest\?platform=linux%2F/),
          digest: { sha256: digest.slice(7) },
        },
      ],
    },
  })
  const archive = await saved(engine, 'app')
  const attached = attestedIn(store, digest).index.at(-1)!.digest
  expect(engine.images.remove('child').untagged).toEqual(['child:latest'])
  expect(engine.images.remove('app')).toMatchObject({
    untagged: ['app:latest'],
    deleted: [id],
  })
  store.testLease[Symbol.dispose]()
  expect(store.blobs.has(attached)).toBe(false)
  const other = openTestEngine().engine
  expect(await other.images.load(bytesOf(archive))).toMatchObject([{ id, names: ['docker.io/library/app:latest'] }])
  expect(other.images.list()).toMatchObject([{ id, roots: [digest] }])
})

test.skipIf(!canRun)('it runs', async () => {
  const { engine } = await openBusyboxEngine()
  await engine.build({
    context: contextOf({ Dockerfile: 'FROM busybox\nRUN echo made > /made\n' }),
    tags: ['app'],
    attestations: BOTH,
  })
  const { id } = engine.containers.create({ image: 'app', command: ['cat', '/made'] })
  await engine.containers.start(id)
  expect(await engine.containers.wait(id)).toBe(0)
})
