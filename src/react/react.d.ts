/**
 * What is used of React. Its own types declare names of the DOM for the whole program, of which nothing here is.
 */
declare module 'react' {
  export function useCallback<T>(callback: T, dependencies: readonly unknown[]): T
  export function useEffect(effect: () => void): void
  export function useMemo<T>(make: () => T, dependencies: readonly unknown[]): T
  export function useRef<T>(initial: T): { current: T }
  export function useSyncExternalStore<T>(
    subscribe: (listener: () => void) => () => void,
    getSnapshot: () => T,
    getServerSnapshot: () => T,
  ): T
}
