import { expect, test } from 'vitest'
import { found, lintText } from '../fixture.suite.ts'

const find = (text: string, given = {}): string[] => found('UndefinedVar', text, given)
const stage = (...lines: string[]): string => `FROM base\n${lines.join('\n')}\n`

test.each([
  'ENV a=$NONE',
  'ENV $NONE=b',
  'LABEL a=${NONE}',
  'COPY $NONE /',
  'COPY a $NONE',
  'COPY --chown=$NONE a /',
  'COPY --chmod=$NONE a /',
  'ADD --checksum=$NONE https://example.com/a /',
  'WORKDIR /$NONE',
  'USER $NONE',
  'VOLUME /$NONE',
  'STOPSIGNAL $NONE',
  'ARG a=$NONE',
  'RUN --mount=type=cache,target=/$NONE x',
  'COPY <<E /a\n$NONE\nE',
])('%s', (line) => {
  expect(find(stage(line))).toEqual(["2: Usage of undefined variable '$NONE'"])
})

test.each(['RUN $NONE', 'CMD $NONE', 'COPY <<"E" /a\n$NONE\nE', 'EXPOSE $NONE', 'ENV a=${NONE', 'ONBUILD ENV a=$NONE'])(
  '%s is not for us to replace',
  (line) => {
    expect(find(stage(line))).toEqual([])
  },
)

test('each word counts once, in the order of reading', () => {
  expect(find(stage('COPY $B$A$B $A /')).map((line) => line.slice(-3))).toEqual(["$B'", "$A'", "$A'"])
})

test('the base, ENV and ARG define variables', () => {
  expect(find(stage('ENV a=$PATH', 'ENV b=$a', 'ARG c', 'ENV d=$b$c'), { env: { PATH: '/bin' } })).toEqual([])
  expect(find('FROM base AS one\nENV a=1\nFROM one\nENV b=$a\n')).toEqual([])
  expect(find('ARG a=1\nFROM base\nENV b=$a\n')).toEqual(["3: Usage of undefined variable '$a'"])
})

test('a default may use the arguments before it, and does not count when a value is given', () => {
  expect(find(stage('ARG a=1 b=$a c=$none'))).toEqual(["2: Usage of undefined variable '$none'"])
  expect(find(stage('ARG c=$x'), { buildArgs: { c: '1' } })).toEqual([])
})

test('a variable that is spelled like it is suggested', () => {
  expect(find(stage('ENV a=$PAHT'), { env: { PATH: '/bin' } })).toEqual([
    "2: Usage of undefined variable '$PAHT' (did you mean $PATH?)",
  ])
})

test('the switches of the SBOM scan are no variables', () => {
  expect(find(stage('ENV a=$BUILDKIT_SBOM_SCAN_STAGE'))).toEqual([])
})

test('in ARG the findings of two rules alternate with its words', () => {
  const rules = lintText(stage('ARG TOKEN=$x SECRET=$y')).map(({ rule }) => rule)
  expect(rules).toEqual(['SecretsUsedInArgOrEnv', 'UndefinedVar', 'SecretsUsedInArgOrEnv', 'UndefinedVar'])
})
