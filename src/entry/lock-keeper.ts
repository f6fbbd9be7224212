// `tidings/lock-keeper`: the script of the worker that keeps the lock of tabs that share a connection, where there are no Web Locks.
import '../client/sharing/lock-keeper.js'
