// Copying, also where the browser has no clipboard for the page.

/**
 * Puts the text of `source` on the clipboard. If no way of doing so is left, selects it and resolves to false.
 *
 * @param {HTMLElement} source
 */
export async function copyText(source) {
  // There is none on a page from another machine over plain HTTP; and where there is one, it may be forbidden.
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(source.textContent)
      return true
    } catch (error) {
      if (!(error instanceof DOMException)) throw error
    }
  }
  getSelection()?.selectAllChildren(source)
  // Deprecated, and all that there is without a secure context.
  const isCopied = document.execCommand('copy')
  if (isCopied) getSelection()?.removeAllRanges()
  return isCopied
}
