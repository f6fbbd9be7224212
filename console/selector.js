// Which topics a selector matches: the rule of the hub, for what has already arrived.

/**
 * `*` is one whole segment, `**` in last place any number of them; a wildcard in front matches no topic of the hub itself.
 *
 * @param {string} selector
 * @param {string} topic
 */
export function matches(selector, topic) {
  const wanted = selector.split('/')
  const segments = topic.split('/')
  if (topic.startsWith('$') && wanted[0]?.startsWith('*')) return false
  for (const [i, segment] of wanted.entries()) {
    if (segment === '**') return true
    if (i >= segments.length || (segment !== '*' && segment !== segments[i])) return false
  }
  return wanted.length === segments.length
}
