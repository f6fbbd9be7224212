import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { run } from '../support/command-line.js'
import { firefoxProgram, showInFirefox } from '../support/firefox.js'
import { installRuntimes, type RuntimeName, runtimeNames } from '../support/runtimes.js'
import { differences } from './differences.js'
import { type Results, type ScenarioServer, startScenarioServer, vectorsAsJson } from './server.js'

interface Case {
  readonly name: string
  readonly where?: 'browser'
  readonly expected: unknown
}

// JavaScript, since browsers read it as it is.
const module = await import(new URL('cases.mjs', import.meta.url).href)
const all: readonly Case[] = [...module.formatCases(vectorsAsJson()), ...module.cases]

const program = new URL('program.mjs', import.meta.url).pathname
const longestMs = 120_000

let server: ScenarioServer
beforeAll(async () => {
  server = await startScenarioServer()
})
afterAll(() => server.close())

const pageUrl = (of: string, key: string) => `${server.url}/page.html?of=${of}&key=${key}`

async function inProgram(key: string, command: string, ...args: readonly string[]): Promise<Results> {
  const results = server.results(key)
  const running = run(command, [...args, program, server.url, key], '/')
  const ended = running.ended.then(code => {
    throw new Error(`It ended with ${code}.\n${running.output()}`)
  })
  // It ends when it has reported, so that whatever keeps it alive after that fails the test by its time.
  const found = await Promise.race([results, ended])
  await ended.catch(() => undefined)
  return found
}

async function inChromium(of: string): Promise<Results> {
  const browser = await openBrowser()
  const page = await browser.newPage()
  const results = server.results(`chromium-${of}`)
  await page.goto(pageUrl(of, `chromium-${of}`))
  const found = await results
  await browser.close()
  return found
}

async function inFirefox(of: string): Promise<Results> {
  const results = server.results(`firefox-${of}`)
  const close = await showInFirefox([pageUrl(of, `firefox-${of}`)])
  const found = await results
  await close()
  return found
}

/** Runs the list once, and looks at each case by itself. */
function compare(reader: string, isBrowser: boolean, observe: () => Promise<Results>): void {
  let results: Results = []
  beforeAll(async () => {
    results = await observe()
  }, longestMs)

  const own = differences[reader] ?? {}
  it.each(all.filter(({ where }) => isBrowser || where !== 'browser'))('$name', ({ name, expected }) => {
    expect(results.find(result => result.name === name)?.observed).toEqual(own[name] ?? expected)
  })
}

describe('EventSource in Node.js 20', () => {
  compare('Node.js 20', false, () => inProgram('own', process.execPath))
})

describe.each(runtimeNames)('EventSource in %s', (name: RuntimeName) => {
  compare(name, false, async () => {
    const commandOf = await installRuntimes()
    return await inProgram(name.replace(/\W/g, ''), ...commandOf(name))
  })
})

describe.skipIf(!browserProgram).each(['ours', 'native'])('EventSource in Chromium: %s', of => {
  compare(`Chromium, ${of}`, true, () => inChromium(of))
})

describe.skipIf(!firefoxProgram).each(['ours', 'native'])('EventSource in Firefox: %s', of => {
  compare(`Firefox, ${of}`, true, () => inFirefox(of))
})
