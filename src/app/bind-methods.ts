/** Makes the methods of an object's class work when they are taken off it: as callbacks, or by `const { send } = stream`. */
export function bindMethods(object: object): void {
  const methods = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(object))
  for (const [name, { value }] of Object.entries(methods)) {
    if (name !== 'constructor' && typeof value === 'function') Object.assign(object, { [name]: value.bind(object) })
  }
}
