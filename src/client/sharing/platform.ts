/** What is used of Web Locks. */
export interface Locks {
  request(
    name: string,
    options: { readonly signal?: AbortSignal; readonly steal?: boolean },
    held: () => Promise<void>,
  ): Promise<unknown>
}

/** What is used of a BroadcastChannel. */
export interface TabChannel {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  close(): void
}

/** The class of such channels: what one says, all others of its name hear, in its order. */
export type TabChannelClass = new (name: string) => TabChannel

/** What is used of a port to a worker. */
export interface TabPort {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  postMessage(message: unknown): void
  close(): void
}

/** The class of workers that tabs share. */
export type TabWorkerClass = new (
  url: string | URL,
  options: { readonly type: 'module'; readonly name: string },
) => { readonly port: { postMessage(message: unknown): void; close(): void }; onerror: unknown }

/** How tabs share a connection. */
export interface ShareOptions {
  /**
   * Only tabs that say the same share: the user, above all, since all hear what the token of one of them may hear. Default: empty.
   */
  readonly name?: string | undefined
  /** Silence of the tab that leads after which another one takes its place: about so long. 100 to 3,600,000. Default: 10,000. */
  readonly silenceMs?: number | undefined
  /**
   * The script of the worker that keeps the lock where there are no Web Locks: `tidings/lock-keeper`, served from the page's own origin.
   * Default: the module as it was loaded, which is there unless a bundler merged it with others.
   */
  readonly worker?: string | URL | undefined
  /** Default: those of the platform. */
  readonly locks?: Locks | undefined
  readonly BroadcastChannel?: TabChannelClass | undefined
  readonly SharedWorker?: TabWorkerClass | undefined
}
