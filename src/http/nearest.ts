/** The one of `known` that was probably meant by `name`: at most two letters added, left out or changed. Nothing if none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = 3
  for (const candidate of known) {
    // Names are short; a long one is near none of them, and comparing it would cost its length.
    if (Math.abs(candidate.length - name.length) > 2) continue
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...a].entries()) {
    let diagonal = i
    let left = i + 1
    const next = [left]
    for (const [j, other] of [...b].entries()) {
      const above = row[j + 1] ?? 0
      left = Math.min(diagonal + (letter === other ? 0 : 1), above + 1, left + 1)
      diagonal = above
      next.push(left)
    }
    row = next
  }
  return row.at(-1) ?? 0
}
