import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { expect, it, onTestFinished, vi } from 'vitest'
import { Body } from './body.js'

it('waits no longer where the clock is set back meanwhile', async () => {
  // A clock was an hour ahead, and was set right: whoever had just stopped in the middle of a body held its connection for an hour.
  const now = vi.spyOn(Date, 'now')
  onTestFinished(() => now.mockRestore())
  const next = new Body(new PassThrough() as unknown as IncomingMessage).next(20)
  now.mockReturnValue(0)
  await expect(next).rejects.toMatchObject({ code: 'request-timeout' })
})
