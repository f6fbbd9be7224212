import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { createHub, type Hub, type HubOptions } from '../../src/entry/index.js'

/** A hub that is closed with the test. */
export function openHub<Topics = Record<string, unknown>>(options: HubOptions = {}): Hub<Topics> {
  const hub = createHub<Topics>(options)
  onTestFinished(() => hub.close({ deadlineMs: 0 }))
  return hub
}

/** The address of a server that listens, until the test is over. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export function serve(listener: Parameters<typeof createServer>[1]): Promise<string> {
  return listen(createServer(listener))
}

/** A reader over a real connection. */
export class Reading {
  readonly response: Response
  readonly #controller: AbortController
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #decoder = new TextDecoder()
  text = ''
  isOver = false

  constructor(response: Response, controller: AbortController) {
    this.response = response
    this.#controller = controller
    if (!response.body) throw new Error('no body')
    this.#reader = response.body.getReader()
  }

  /** Resolves when `pattern` was received. */
  async until(pattern: string): Promise<string> {
    let from = 0
    while (this.text.indexOf(pattern, from) < 0) {
      from = Math.max(0, this.text.length - pattern.length)
      if (this.isOver) throw new Error(`It ended before ${JSON.stringify(pattern)}: ${this.text}`)
      await this.#next()
    }
    return this.text
  }

  /** Resolves when `pattern` was received so many times. */
  async times(pattern: string, count: number): Promise<void> {
    while (this.text.split(pattern).length <= count) {
      if (this.isOver) throw new Error(`It ended before: ${this.text}`)
      await this.#next()
    }
  }

  async ended(): Promise<string> {
    while (!this.isOver) await this.#next()
    return this.text
  }

  leave(): void {
    this.#controller.abort()
  }

  async #next(): Promise<void> {
    const { done, value } = await this.#reader.read()
    if (done) this.isOver = true
    else this.text += this.#decoder.decode(value, { stream: true })
  }
}

export async function read(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Reading> {
  const controller = new AbortController()
  onTestFinished(() => controller.abort())
  return new Reading(await fetch(url, { headers, signal: controller.signal }), controller)
}
