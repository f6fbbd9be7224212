declare module 'compression' {
  import type { RequestHandler } from 'express'
  export default function compression(options?: { readonly threshold?: number }): RequestHandler
}
declare module 'cors' {
  import type { RequestHandler } from 'express'
  export default function cors(options?: { readonly origin?: string; readonly credentials?: boolean }): RequestHandler
}
declare module 'express-session' {
  import type { RequestHandler } from 'express'
  export default function session(options: {
    readonly secret: string
    readonly resave: boolean
    readonly saveUninitialized: boolean
  }): RequestHandler
}
declare module 'express4' {
  import express from 'express'
  export default express
}
