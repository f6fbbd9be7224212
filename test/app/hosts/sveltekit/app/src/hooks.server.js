import { ownHeaders } from './trial.mjs'

/** As an application sets headers for all its routes. */
export async function handle({ event, resolve }) {
  const response = await resolve(event)
  for (const [name, value] of Object.entries(ownHeaders)) response.headers.append(name, value)
  return response
}
