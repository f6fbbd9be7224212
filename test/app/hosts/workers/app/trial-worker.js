import { DurableObject } from 'cloudflare:workers'
import { createHub } from 'tidings'
import { answer, createTrial } from './trial.mjs'

export class Hub extends DurableObject {
  // The runtime notices that a reader has left when it is written to.
  #trial = createTrial(createHub({ heartbeatMs: 1_000 }))

  fetch(request) {
    return answer(this.#trial, request)
  }
}

export default {
  fetch: (request, env) => env.HUB.get(env.HUB.idFromName('hub')).fetch(request),
}
