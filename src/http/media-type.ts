import type { IncomingMessage } from 'node:http'
import { TidingsError } from '../wire/errors.js'
import { Problem } from './problem.js'

const form = /^([!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+)\s*((?:;.*)?)$/
const charsetForm = /;\s*charset=("?)([^";\s]*)\1\s*(?:;|$)/

/**
 * The media type of a body, in lower case and without parameters; nothing if none is said. Throws `unsupported-media-type` if
 * the body says that it is encoded, for its transfer too, or in other characters than UTF-8.
 */
export function mediaTypeOf(headers: IncomingMessage['headers']): string | undefined {
  const encoding = headers['content-encoding']?.trim().toLowerCase()
  if (encoding && encoding !== 'identity') {
    // RFC 9110, 15.5.16: such an answer says which codings are taken.
    throw new Problem('unsupported-media-type', 'Send the body as it is, without Content-Encoding.', {
      headers: { 'Accept-Encoding': 'identity' },
    })
  }
  // Node.js takes the chunks apart and leaves what else it was put through: that would be kept as the data.
  const transfer = headers['transfer-encoding']?.trim().toLowerCase()
  if (transfer !== undefined && transfer !== 'chunked') {
    throw new TidingsError('unsupported-media-type', 'Send the body as it is: the only Transfer-Encoding is chunked.')
  }
  const text = headers['content-type']
  if (!text) return undefined
  if (text === lastText) return last
  last = readMediaType(text.trim().toLowerCase())
  lastText = text
  return last
}

// One publisher after the other sends the same.
let lastText = ''
let last: string | undefined

function readMediaType(text: string): string | undefined {
  if (text === '') return undefined
  const match = form.exec(text)
  if (!match) throw new TidingsError('unsupported-media-type', 'The Content-Type is no media type.')
  const [, type, parameters = ''] = match
  const charset = charsetForm.exec(parameters)?.[2] ?? (parameters.includes('charset') ? '?' : 'utf-8')
  if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
    throw new TidingsError('unsupported-media-type', 'Bodies are UTF-8; leave the charset out, or say charset=utf-8.')
  }
  return type
}
