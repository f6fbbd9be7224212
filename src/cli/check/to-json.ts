import type { Governed } from '../../log/lmdb/forecast.js'
import type { LogReport } from '../../log/lmdb/inspect.js'

/** What was found of a log, for programs: as the report has it, its rules as the settings write them. */
export function logToJson({ rules, ...report }: LogReport): object {
  return { ...report, retention: rules.map(ruleToJson) }
}

/** The entry without a rule is that of topics that none governs. */
function ruleToJson({ rule, ...governed }: Governed): object {
  if (!rule) return governed
  const { selector, ageMs, count, bytes, keepLatest, ephemeral } = rule
  return {
    rule: {
      selector: selector.text,
      ...(ageMs < Infinity && { ageMs }),
      ...(count < Infinity && { count }),
      ...(bytes < Infinity && { bytes }),
      ...(keepLatest && { keepLatest }),
      ...(ephemeral && { ephemeral }),
    },
    ...governed,
  }
}
