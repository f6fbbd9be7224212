/** Makes the methods of an object's class work when they are taken off it: as callbacks, or by `const { send } = stream`. */
export function bindMethods(object: object): void {
  const methods = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(object))
  for (const [name, method] of Object.entries(methods)) {
    const { value } = method
    if (name === 'constructor' || typeof value !== 'function') continue
    // As little to be seen as on the class.
    Object.defineProperty(object, name, { ...method, value: value.bind(object) })
  }
}
