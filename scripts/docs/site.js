// A button at each block of code that copies it. Without it, or where there is no clipboard, the page is as good to read.
if (navigator.clipboard) {
  for (const block of document.querySelectorAll('.code')) {
    const code = block.querySelector('code')
    if (!code) continue
    const button = document.createElement('button')
    button.type = 'button'
    const korean = document.documentElement.lang === 'ko'
    const [copy, copied] = korean ? ['복사', '복사됨'] : ['Copy', 'Copied']
    button.textContent = copy
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(code.textContent.replace(/\n$/, ''))
      button.textContent = copied
      setTimeout(() => {
        button.textContent = copy
      }, 2000)
    })
    block.append(button)
  }
}
