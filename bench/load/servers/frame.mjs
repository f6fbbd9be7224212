/**
 * The block of an event, made once, of what a request says.
 * @param {import('node:http').IncomingMessage} req
 * @param {(frame: Buffer) => void} take
 */
export function readFrame(req, take) {
  /** @type {Buffer[]} */
  const pieces = [Buffer.from('data: ')]
  req.on('data', piece => pieces.push(piece))
  req.on('end', () => {
    pieces.push(Buffer.from('\n\n'))
    take(Buffer.concat(pieces))
  })
}
