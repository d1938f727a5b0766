import type { Digest } from '../../core/index.ts'
import type { StepRecord, StepStore } from '../../store/index.ts'
import type { StepTrace } from './trace.ts'

/** What a build of the past knows of one of its steps. */
export interface PastStep {
  label: string
  kind: string
  key?: Digest
  opKey?: Digest
  /** The image with its digest, of a FROM. */
  reference?: string
  /** What came out, in short: equal for equal layers on an equal base. */
  outcome?: string
}

/**
 * The earlier step to compare a step with: the one that stood in its place in the latest build that had one, else the
 * latest step with the same operation or the same name. `past` are earlier builds of the same definition, latest first;
 * `own` are the keys of this build.
 */
export function nearestStep(
  trace: StepTrace,
  past: readonly (readonly PastStep[])[],
  steps: StepStore,
  own: ReadonlySet<Digest>,
): StepRecord | undefined {
  for (const build of past) {
    const place = inSamePlace(trace, build)
    const record = place?.key && !own.has(place.key) ? steps.get(place.key) : undefined
    if (record) return record
  }
  const isEarlier = (record: StepRecord): boolean => !own.has(record.key)
  const sameOperation = trace.opKey ? steps.ofOperation(trace.opKey).find(isEarlier) : undefined
  // what a command that failed has left behind is kept under its name, too
  const isSameKind = ({ kind }: StepRecord): boolean => kind === trace.vertex.op.kind
  return sameOperation ?? steps.withLabel(trace.label).find((record) => isSameKind(record) && isEarlier(record))
}

/** The best match within one build: by operation, by name, by number in its stage. */
export function inSamePlace(trace: StepTrace, build: readonly PastStep[]): PastStep | undefined {
  const { label, vertex, opKey } = trace
  const candidates = build.filter((step) => step.kind === vertex.op.kind && stageOf(step.label) === stageOf(label))
  return (
    candidates.find((step) => opKey !== undefined && step.opKey === opKey) ??
    candidates.find((step) => textOf(step.label) === textOf(label)) ??
    candidates.find((step) => numberOf(step.label) === numberOf(label))
  )
}

// `[builder 2/10] RUN make`, `[linux/arm64 builder  2/10] RUN make`, `[2/10] RUN make`
const LABEL = /^\[(?:(.*?) )? *(\d+)\/\d+\] (.*)$/s

/** The stage, and perhaps the platform, in what progress calls a step; empty when there is but one. */
export function stageOf(label: string): string {
  return LABEL.exec(label)?.[1]?.trim() ?? ''
}

const numberOf = (label: string): string => LABEL.exec(label)?.[2] ?? label
const textOf = (label: string): string => LABEL.exec(label)?.[3] ?? label
