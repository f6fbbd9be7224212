/** Whoever asks while somebody is being answered is given the same. */
export function together(read: () => Promise<string>): () => Promise<string> {
  let reading: Promise<string> | undefined
  return () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}
