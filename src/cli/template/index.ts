export { debugTemplate } from './debug.ts'
export { CONTAINER_TYPE, IMAGE_TYPE, NETWORK_TYPE, VOLUME_TYPE } from './engine-types.ts'
export { type Inspected, type InspectOutput, renderInspect } from './inspect.ts'
export { type ListFormats, type Row, renderList } from './list.ts'
export { renderObject } from './object.ts'
export { compileTemplate, renderTemplate } from './template.ts'
export {
  ANY,
  type FieldSpec,
  type GoType,
  goType,
  mapOf,
  pointerTo,
  sliceOf,
  structOf,
  toValue,
  type Value,
} from './values.ts'
