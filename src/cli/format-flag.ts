/** `--format` of a command that shows a list. */
export const LIST_FORMAT = {
  kind: 'string',
  default: '',
  about: `Format output using a custom template:
'table':            Print output in table format with column headers (default)
'table TEMPLATE':   Print output in table format using the given Go template
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template`,
} as const

/** `--format` of a command that shows objects. */
export const OBJECT_FORMAT = {
  kind: 'string',
  short: 'f',
  default: '',
  about: `Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template`,
} as const
