/** The name among `names` that `written` most likely meant, or nothing if none is near. */
export function nearest(written: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  // A third of the letters wrong, and at least one: more than that is a guess that misleads.
  let bestDistance = Math.max(1, Math.floor(written.length / 3)) + 1
  for (const name of names) {
    if (written.length > 1 && name.startsWith(written)) return name
    const distance = editDistance(written, name)
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** How many letters must be put in, left out, changed or swapped with their neighbour to make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const differs = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(at(above, j) + 1, at(row, j - 1) + 1, at(above, j - 1) + differs)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(before, j - 2) + 1)
      row.push(cost)
    }
    before = above
    above = row
  }
  return at(above, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
