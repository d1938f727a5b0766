export { CONTAINER_TYPE } from './container-type.ts'
export { debugTemplate } from './debug.ts'
export { IMAGE_TYPE } from './image-type.ts'
export { type ImagetoolsData, renderImagetools } from './imagetools.ts'
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
