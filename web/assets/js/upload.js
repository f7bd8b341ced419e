// Photographs of documents: preview, smaller file, warning about blur and size. Without it the plain form works.
//
// form[data-upload]                    data-max-bytes="15728640": what the server accepts per file
//   [data-upload-item]                 one per document side
//     input[type=file][data-upload-file]   in the page, class visually-hidden, with <label class="btn" for=…>
//     canvas[data-upload-preview]      the chosen picture (a canvas, so that the policy needs no blob: images)
//     [data-upload-note="ok reduced blurred dark small too-big unreadable"]   hidden until one of its words is true;
//                                      data-text="… {name} … {size} … {limit} …" is filled in (sizes in MB)
//     [data-upload-label="…"]          text of the button once a file is chosen ("take it again"), on the label
//   [data-upload-submit]               disabled until every required file is there
// [data-drop]                          a zone around one input[type=file]: files dropped on it go into the input
'use strict';
(() => {
  const LONGEST = 2000 // px
  const BIG = 2 * 1024 * 1024 // bytes above which a picture is made smaller
  const BLUR = 45 // variance of the Laplacian at 640 px; sharp photographs of a card measure some hundreds

  const supported = typeof DataTransfer === 'function' && 'toBlob' in HTMLCanvasElement.prototype

  async function decode (file) {
    if (window.createImageBitmap) {
      try {
        return await createImageBitmap(file, { imageOrientation: 'from-image' })
      } catch { /* older Safari knows no options: the slow way below */ }
    }
    const url = await new Promise((resolve, reject) => {
      const r = new FileReader()
      r.onload = () => resolve(r.result)
      r.onerror = () => reject(r.error)
      r.readAsDataURL(file)
    })
    const img = new Image()
    img.src = url
    await img.decode()
    return img
  }

  function scaled (picture, longest) {
    const w = picture.naturalWidth || picture.width
    const h = picture.naturalHeight || picture.height
    const f = Math.min(1, longest / Math.max(w, h))
    const canvas = document.createElement('canvas')
    canvas.width = Math.max(1, Math.round(w * f))
    canvas.height = Math.max(1, Math.round(h * f))
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height)
    return canvas
  }

  // measure returns sharpness (variance of the Laplacian over grey values) and mean brightness, 0 to 255.
  function measure (picture) {
    const canvas = scaled(picture, 640)
    const { width: w, height: h } = canvas
    if (w < 3 || h < 3) return { sharp: 0, light: 0 }
    const px = canvas.getContext('2d').getImageData(0, 0, w, h).data
    const grey = new Float32Array(w * h)
    let light = 0
    for (let i = 0; i < grey.length; i++) {
      grey[i] = 0.299 * px[4 * i] + 0.587 * px[4 * i + 1] + 0.114 * px[4 * i + 2]
      light += grey[i]
    }
    let sum = 0
    let squares = 0
    for (let y = 1; y < h - 1; y++) {
      for (let x = 1; x < w - 1; x++) {
        const i = y * w + x
        const l = grey[i - 1] + grey[i + 1] + grey[i - w] + grey[i + w] - 4 * grey[i]
        sum += l
        squares += l * l
      }
    }
    const n = (w - 2) * (h - 2)
    return { sharp: squares / n - (sum / n) ** 2, light: light / grey.length }
  }

  const mb = n => (n / 1048576).toLocaleString(document.documentElement.lang || undefined, { maximumFractionDigits: 1 })

  function say (item, words, file, limit) {
    for (const note of item.querySelectorAll('[data-upload-note]')) {
      note.hidden = !note.getAttribute('data-upload-note').split(/\s+/).some(w => words.includes(w))
      const text = note.getAttribute('data-text')
      if (text && !note.hidden) {
        const into = note.querySelector('[data-upload-text]') || note
        into.textContent = text.replace('{name}', file.name).replace('{size}', mb(file.size)).replace('{limit}', mb(limit))
      }
    }
  }

  function put (input, blob, name) {
    const files = new DataTransfer()
    files.items.add(new File([blob], name, { type: blob.type }))
    input.files = files.files
  }

  async function chosen (form, item, input) {
    const file = input.files[0]
    const limit = Number(form.dataset.maxBytes) || Infinity
    const preview = item.querySelector('[data-upload-preview]')
    if (!file) return say(item, [])
    const words = []
    let picture = null
    if (file.type.startsWith('image/') || !file.type) picture = await decode(file).catch(() => null)
    if (input.files[0] !== file) return // another one was chosen meanwhile
    if (picture) {
      const small = scaled(picture, LONGEST)
      if (preview) {
        preview.width = small.width
        preview.height = small.height
        preview.getContext('2d').drawImage(small, 0, 0)
        preview.hidden = false
      }
      const { sharp, light } = measure(picture)
      if (light < 45) words.push('dark')
      else if (sharp < BLUR) words.push('blurred')
      if (Math.max(small.width, small.height) < 600) words.push('small')
      if (file.size > BIG && supported) {
        const blob = await new Promise(resolve => small.toBlob(resolve, 'image/jpeg', 0.85))
        if (input.files[0] !== file) return
        if (blob && blob.size < file.size) {
          put(input, blob, file.name.replace(/\.[^.]*$/, '') + '.jpg')
          words.push('reduced')
        }
      }
    } else {
      if (preview) preview.hidden = true
      if (file.type.startsWith('image/')) words.push('unreadable')
    }
    if (input.files[0].size > limit) {
      input.value = ''
      if (preview) preview.hidden = true
      say(item, ['too-big'], file, limit)
    } else {
      if (!words.some(w => w !== 'reduced')) words.push('ok')
      say(item, words, file, limit)
    }
    const label = item.querySelector('[data-upload-label]')
    if (label && input.files.length > 0) (label.querySelector('span') || label).textContent = label.getAttribute('data-upload-label')
  }

  for (const form of document.querySelectorAll('form[data-upload]')) {
    const inputs = [...form.querySelectorAll('input[data-upload-file]')]
    const ready = () => {
      for (const b of form.querySelectorAll('[data-upload-submit]')) b.disabled = inputs.some(i => i.required && i.files.length === 0)
    }
    for (const input of inputs) {
      const item = input.closest('[data-upload-item]') || form
      input.addEventListener('change', () => chosen(form, item, input).finally(ready))
    }
    form.addEventListener('submit', () => {
      for (const b of form.querySelectorAll('[data-upload-submit]')) b.setAttribute('aria-disabled', 'true')
    })
    ready()
  }

  for (const zone of document.querySelectorAll('[data-drop]')) {
    const input = zone.querySelector('input[type=file]')
    const over = on => e => {
      e.preventDefault()
      zone.classList.toggle('is-over', on)
    }
    zone.addEventListener('dragover', over(true))
    zone.addEventListener('dragleave', over(false))
    zone.addEventListener('drop', e => {
      over(false)(e)
      if (!e.dataTransfer.files.length) return
      input.files = e.dataTransfer.files
      input.dispatchEvent(new Event('change', { bubbles: true }))
    })
  }
})()
