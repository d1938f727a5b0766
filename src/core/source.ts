/** A text file that a user wrote, kept whole so that an error can show its lines. */
export interface SourceFile {
  /** As the user would name it: a path, `-` for standard input, a URL. */
  name: string
  text: string
}

/** A stretch of a source file. Lines and columns count from 1; the end column is exclusive; columns count UTF-16 units. */
export interface SourceSpan {
  source: SourceFile
  line: number
  column: number
  endLine: number
  endColumn: number
}
