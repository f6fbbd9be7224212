import { error } from '@sveltejs/kit'
import { hub } from '../../../lib/server/hub.js'
import { createTrial } from '../../../trial.mjs'

const trial = createTrial(hub, () => error(418, 'teapot'))
export const GET = ({ params, request }) => (params.what === 'events' ? trial.events(request) : trial.control(request))
export const POST = ({ request }) => trial.control(request)
