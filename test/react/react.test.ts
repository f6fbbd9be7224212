import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import type { ReceivedEvent } from '../../src/entry/react.js'
import { useEvents, useLatest } from '../../src/entry/react.js'
import { listen, look, unheard } from '../../src/react/shared-connection.js'
import { type HubOnHttp, startHub } from '../http/hub-on-http.js'
import { browserProgram, openBrowser, watchErrors } from '../support/browser.js'
import { javaScript } from '../support/client-modules.js'
import { eventually } from '../support/hub-page.js'
import { installListed } from '../support/installed.js'

// JavaScript, since browsers read the same, and so that the types of React, which name those of the DOM, stay out of here.
const { renderHeard, renderPage } = await import(new URL('server.mjs', import.meta.url).href)

/** One module for browsers, with React as it is while one develops: effects twice, and all warnings. */
async function bundle(source: string, react: string | undefined): Promise<string> {
  const bundle = await rolldown({
    input: 'page',
    platform: 'browser',
    logLevel: 'silent',
    transform: { define: { 'process.env.NODE_ENV': '"development"' } },
    ...(react && { resolve: { alias: { react: join(react, 'react'), 'react-dom': join(react, 'react-dom') } } }),
    plugins: [
      {
        name: 'page',
        resolveId: id => (id === 'page' ? toPath('bundled.mjs') : null),
        load: id => (id.endsWith('bundled.mjs') ? source : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  return output[0].code
}

function toPath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** The page as a browser runs it, and as a server makes it. */
async function makePage(react?: string): Promise<{ readonly script: string; readonly html: string }> {
  const script = await bundle(
    `
    import { createElement, version } from 'react'
    import { createRoot, hydrateRoot } from 'react-dom/client'
    import { Changing, Page } from ${JSON.stringify(toPath('page.mjs'))}
    document.title = version
    const root = document.getElementById('root')
    if (location.hash === '#changing') {
      root.replaceChildren()
      createRoot(root).render(createElement(Changing, { url: '/events' }))
    } else hydrateRoot(root, createElement(Page, { url: '/events' }))
    `,
    react,
  )
  if (!react) return { script, html: renderPage('/events') }
  const server = await bundle(`export { renderPage } from ${JSON.stringify(toPath('server.mjs'))}`, react)
  const made = await import(`data:text/javascript,${encodeURIComponent(server)}`)
  return { script, html: made.renderPage('/events') }
}

async function openHub(
  react?: string,
): Promise<HubOnHttp & { say(topic: string, data: string, type?: string): Promise<unknown> }> {
  const { html, script } = await makePage(react)
  const body = `<!doctype html><title>Page</title><link rel="icon" href="data:,"><div id="root">${html}</div><script type="module" src="/page.js"></script>`
  const headers = { 'Content-Security-Policy': "default-src 'self'; img-src data:" }
  const hub = await startHub({
    assets: new Map([
      ['/', { type: 'text/html; charset=utf-8', body, headers }],
      ['/page.js', javaScript(script)],
    ]),
  })
  onTestFinished(() => hub.close())
  return { ...hub, say: (topic, data, type = '') => hub.hub.publish([{ topic, data, type } as never]) }
}

describe('components on a server', () => {
  it('show that nothing was heard yet, and connect to nothing', async () => {
    let isAsked = false
    const fetch = () => {
      isAsked = true
      return Promise.reject(new Error('no'))
    }
    expect(renderHeard(fetch)).toBe('<p>connecting 0 undefined</p>')
    await new Promise(resolve => setImmediate(resolve))
    expect(isAsked).toBe(false)
  })

  it('are told what limit cannot be', () => {
    for (const limit of [0, -1, 10_001, Number.NaN]) {
      expect(() => renderHeard(fetch, { limit })).toThrow('limit is 1 to 10000.')
    }
  })

  it.each([
    [null, undefined, 'The options are an object.'],
    [{ name: 5 }, undefined, 'name is a text: a type, a topic or a selector.'],
    [{ name: 'a/**/b' }, undefined, 'Not a selector: "a/**/b"'],
    [{}, null, 'The URL is a text or a URL, not null. To hear nothing yet, render the component later.'],
  ])('are told what %j and %s cannot be', (options, url, message) => {
    expect(() => renderHeard(fetch, options, url)).toThrow(message)
  })
})

describe.skipIf(!browserProgram)('components in a browser, in strict mode', () => {
  it.each([
    ['19.', () => undefined],
    ['18.', async () => join(await installListed('react/react18'), 'node_modules')],
  ])(
    'take over what the server made, hear over one connection together, and close it when the last is gone: React %s',
    async (version, find) => {
      const hub = await openHub(await find())
      const page = await (await openBrowser()).newPage()
      const errors = watchErrors(page)
      const asked: string[] = []
      page.on('request', request => void (request.url().includes('/events') && asked.push(request.url())))
      await page.goto(hub.url)
      await page.locator('#state', { hasText: 'open' }).waitFor()
      expect((await page.title()).slice(0, 3)).toBe(version)
      expect(hub.hub.status.subscriptions).toBe(1)
      for (const data of ['one', 'two', 'three', 'four']) await hub.say('news', data)
      await hub.say('price', '7', 'price')
      await page.locator('#price', { hasText: '7' }).waitFor()
      expect(await page.locator('li').allTextContents()).toEqual(['three', 'four', '7'])

      // From one page to the next it is kept.
      await page.evaluate(`(async () => {
        document.querySelector('button').click()
        await new Promise(resolve => setTimeout(resolve))
        document.querySelector('button').click()
      })()`)
      await page.locator('#price', { hasText: '7' }).waitFor()
      expect(hub.hub.status.subscriptions).toBe(1)
      expect(asked).toHaveLength(1)

      await page.locator('button', { hasText: 'Leave' }).click()
      await eventually(() => expect(hub.hub.status.subscriptions).toBe(0))
      await page.locator('button', { hasText: 'Come back' }).click()
      await page.locator('#state', { hasText: 'open' }).waitFor()
      await page.locator('#price', { hasText: 'none' }).waitFor()
      await hub.say('price', '8', 'price')
      await page.locator('#price', { hasText: '8' }).waitFor()
      // The streams that were let go.
      expect(errors.filter(error => !/\/events.*: net::ERR_ABORTED$/.test(error))).toEqual([])
    },
    60_000,
  )
})

describe.skipIf(!browserProgram)('a component in a browser', () => {
  it('hears anew what it asks for when that changes, and not when only its limit does', async () => {
    const hub = await openHub()
    const page = await (await openBrowser()).newPage()
    const asked: string[] = []
    page.on('request', request => void (request.url().includes('/events') && asked.push(request.url())))
    await page.goto(`${hub.url}#changing`)
    const isAt = (text: string) => page.locator('#state', { hasText: text }).waitFor()
    const heard = async (data: readonly string[]) =>
      eventually(async () => expect(await page.locator('li').allTextContents()).toEqual(data))
    const isOne = () => eventually(() => expect(hub.hub.status.subscriptions).toBe(1))
    await isAt('news ann open')
    await isOne()
    for (const data of ['1', '2', '3', '4']) await hub.say('news', data)
    await heard(['2', '3', '4'])
    const before = asked.length
    await page.locator('button', { hasText: 'more' }).click()
    await hub.say('news', '5')
    await eventually(async () => expect(await page.locator('li').allTextContents()).toContain('5'))
    expect(await page.locator('li').allTextContents()).toEqual(expect.arrayContaining(['3', '4', '5']))
    expect(asked).toHaveLength(before)

    await page.locator('button', { hasText: 'price' }).click()
    await isAt('price ann open')
    await heard([])
    await isOne()
    await hub.say('news', '6')
    await hub.say('price', '7')
    await heard(['7'])

    // The tabs of another user.
    await page.locator('button', { hasText: 'bob' }).click()
    await isAt('price bob open')
    await heard([])
    await isOne()
    await hub.say('price', '8')
    await heard(['8'])
  }, 60_000)
})

describe('what components have together', () => {
  it('is as many as they ask for, though they are all gone for a moment, and tells at once how it stands', async () => {
    const hub = await startHub()
    onTestFinished(() => hub.close())
    const make = () => ({ url: `${hub.url}/events`, options: { topics: ['a'] } })
    let told = 0
    const hear = () => listen('limits', '**', 3, make, () => void told++)
    const say = async (all: readonly string[]) => {
      await hub.hub.publish(all.map(data => ({ topic: 'a', data, type: '' })) as never)
      await eventually(() => expect(look('limits', '**').events.at(-1)?.data).toBe(all.at(-1)))
    }
    const leave = hear()
    await eventually(() => expect(look('limits', '**').state).toBe('open'))
    expect(look('limits', 'other')).toEqual({ events: [], state: 'open', error: undefined })
    expect(look('limits', 'other')).toBe(look('limits', 'other'))
    await say(['1', '2', '3', '4'])
    leave()
    await say(['5'])
    onTestFinished(hear())
    expect(look('limits', '**').events.map(({ data }) => data)).toEqual(['3', '4', '5'])
    // What comes with one chunk is told once.
    told = 0
    await say(Array.from({ length: 200 }, (_, i) => `${i + 6}`))
    expect(told).toBeGreaterThan(0)
    expect(told).toBeLessThan(100)
    expect(look('limits', '**').events.map(({ data }) => data)).toEqual(['203', '204', '205'])
  })

  it('keeps what was heard of a name for a moment, and no longer, while others hear more', async () => {
    const hub = await startHub()
    onTestFinished(() => hub.close())
    const make = () => ({ url: `${hub.url}/events`, options: { topics: ['a', 'b'] } })
    const hear = (name: string) => listen('key', name, 9, make, () => undefined)
    const heard = (name: string) => look('key', name).events.map(({ data }) => data)
    onTestFinished(hear('**'))
    const leave = hear('a')
    await eventually(() => expect(look('key', '**').state).toBe('open'))
    await hub.hub.publish([{ topic: 'a', data: '1', type: '' } as never])
    await eventually(() => expect(heard('a')).toEqual(['1']))
    leave()
    // As from one page to the next.
    const leaveAgain = hear('a')
    expect(heard('a')).toEqual(['1'])
    leaveAgain()
    await eventually(() => expect(look('key', 'a')).toEqual({ ...unheard, state: 'open' }))
    expect(heard('**')).toEqual(['1'])
    onTestFinished(hear('a'))
    await hub.hub.publish([{ topic: 'a', data: '2', type: '' } as never])
    await eventually(() => expect(heard('a')).toEqual(['2']))
  })
})

it('are typed as connections are', () => {
  // Held by the compiler; nothing calls it.
  const typed = (): readonly (number | string | undefined)[] => {
    const { events } = useEvents<{ price: { amount: number }; news: string }, 'price'>('/events', { name: 'price' })
    const latest: ReceivedEvent<string> | undefined = useLatest<{ price: number; news: string }, 'news'>('/events')
    const either = useLatest<{ price: number; news: string }>('/events')
    const checked = useLatest('/events', { name: 'price', schemas: { price: z.object({ amount: z.number() }) } })
    return [events[0]?.json().amount, latest?.json(), either?.json(), checked?.json().amount]
  }
  expect(typed).toBeTypeOf('function')
})
