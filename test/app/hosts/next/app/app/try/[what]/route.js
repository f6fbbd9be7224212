import { hub } from '../../../lib/hub.js'
import { createTrial, teapot } from '../../../lib/trial.mjs'

const trial = createTrial(hub)

export async function GET(request, { params }) {
  const { what } = await params
  // Next.js answers whatever a route throws with 500.
  return what === 'events' ? trial.events(request).catch(teapot) : trial.control(request)
}

export const POST = request => trial.control(request)
