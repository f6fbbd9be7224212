// `tidings/wire`: the event-stream format, both ways, and the names of the protocol. Runs in browsers too.
export { type AsideBlock, type EventBlock, encodeBlock } from '../wire/encode.js'
export { type ErrorCode, TidingsError } from '../wire/errors.js'
export {
  checkEventId,
  checkKey,
  checkTopic,
  checkType,
  hubTypes,
  nameLimits,
  type Position,
  parsePosition,
  toPositionText,
} from '../wire/names.js'
export { createParser, type ParsedEvent, type Parser, type ParserOptions } from '../wire/parse.js'
export { matches, parseSelector, type Selector } from '../wire/selector.js'
