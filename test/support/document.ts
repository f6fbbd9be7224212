import { readFile } from 'node:fs/promises'

/** A block of code of a document. */
export interface Block {
  readonly language: string
  /** What stands behind the language, such as `run` of `sh run`. */
  readonly says: string
  readonly code: string
}

/** The text of a document, by its path from the root. */
export function readDocument(path: string): Promise<string> {
  return readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
}

/** The fenced blocks of a document, in their order. */
export function blocksOf(document: string): readonly Block[] {
  return [...document.matchAll(/^```(\S*) ?(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', says = '', code = '']) => ({ language, says, code }),
  )
}
