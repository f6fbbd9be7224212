/** Is told what went wrong and was lived with. */
export type Report = (message: string, error?: unknown) => void
