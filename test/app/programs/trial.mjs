import { openStreamResponse } from 'tidings'

/**
 * What test/app/try-application.ts asks of an application of `Request` and `Response`: its events, at `/answer` one answer, and at `/publish`,
 * `/state` and `/close` what the tests ask of its hub. `fail` throws what the framework answers with 418.
 */
export function createTrial(
  hub,
  fail = () => {
    throw new Error('secret')
  },
) {
  let left = 0
  const answers = []
  const topics = request => {
    const user = request.headers.get('x-user')
    if (user === 'mallory') fail()
    return user ? ['news', `user/${user}`] : []
  }
  const events = hub.fetchHandler({ topics })
  const zipped = hub.fetchHandler({ topics, compression: 'gzip' })
  return {
    events: request => {
      request.signal.addEventListener('abort', () => left++)
      return (request.url.includes('/zipped/') ? zipped : events)(request)
    },
    control: async request => {
      const { pathname, searchParams } = new URL(request.url)
      if (pathname.endsWith('/publish')) {
        const type = searchParams.get('type') ?? undefined
        return Response.json(await hub.publish(searchParams.get('topic'), await request.text(), { type }))
      }
      if (pathname.endsWith('/close')) return Response.json(await hub.close().then(() => true))
      if (pathname.endsWith('/answer')) {
        const stream = openStreamResponse(request, { end: '[DONE]' })
        void stream.from(searchParams.has('endless') ? endless() : ['Once', 'upon']).then(how => answers.push(how))
        return stream.response
      }
      const { heldBytes } = (await hub.onLog()).status
      return Response.json({ subscribers: hub.subscribers('news'), left, heldBytes, answers })
    },
  }
}

async function* endless() {
  for (;;) yield 'x'.repeat(64_000)
}

/** The same with the headers that the tests expect, where a framework does not set them. */
export async function answer(trial, request) {
  if (!new URL(request.url).pathname.endsWith('/events')) return trial.control(request)
  try {
    const { body, headers, status } = await trial.events(request)
    const response = new Response(body, { status, headers })
    for (const [name, value] of Object.entries(ownHeaders)) response.headers.append(name, value)
    return response
  } catch {
    return teapot()
  }
}

export const teapot = () => new Response('teapot', { status: 418 })

export const ownHeaders = {
  'Access-Control-Allow-Origin': 'https://app.example',
  'Access-Control-Allow-Credentials': 'true',
  'X-Own': 'yes',
  'Set-Cookie': 'a=b',
}
