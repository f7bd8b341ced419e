// Keeps a page true while it is open, and copies addresses.
//
// [data-live="/…/events"]              EventSource; any message (or event "change") means "look again": this page is fetched and
// [data-live-part="NAME"]              every part of that name takes the children and attributes of its new self.
//                                      A part somebody is typing in waits. Give focusable things in it an id.
//                                      A part with role="status" is announced because only its text changes.
//                                      An event named "go" has a path of this site as data: the page goes there.
// [data-live-say]                      an empty role="status" element; data-live-say="Aggiornato alle {time}" is said
//                                      after a change, at most every 20 s
// [data-live-state="open polling"]     shown while connected, or while asking every 5 s because there is no connection
// button[data-copy="text"]             copies its text, or the page's address if empty; then says data-copied="…" in
//                                      [data-copy-say] or on itself
'use strict';
(() => {
  const source = document.querySelector('[data-live]')
  const parts = () => document.querySelectorAll('[data-live-part]')
  let running = false
  let again = false
  let stale = false // a part was left because somebody types in it
  let said = 0

  const typing = part => {
    const a = document.activeElement
    return a && part.contains(a) && (a.matches('textarea, select, [contenteditable]') || (a.matches('input') && !/^(button|submit|checkbox|radio|reset)$/.test(a.type)))
  }

  function adopt (part, fresh) {
    if (part.isEqualNode(fresh)) return false
    if (typing(part)) {
      stale = true
      return false
    }
    const focus = part.contains(document.activeElement) ? document.activeElement.id : ''
    const opened = [...part.querySelectorAll('details[open][id]')].map(d => d.id)
    for (const a of [...part.attributes]) if (!fresh.hasAttribute(a.name)) part.removeAttribute(a.name)
    for (const a of fresh.attributes) if (part.getAttribute(a.name) !== a.value) part.setAttribute(a.name, a.value)
    part.replaceChildren(...[...fresh.childNodes].map(n => document.importNode(n, true)))
    for (const id of opened) document.getElementById(id)?.setAttribute('open', '')
    if (focus) {
      const back = document.getElementById(focus)
      if (back) back.focus({ preventScroll: true })
      else {
        part.tabIndex = -1
        part.focus({ preventScroll: true })
      }
    }
    return true
  }

  function say () {
    const where = document.querySelector('[data-live-say]')
    if (!where || Date.now() - said < 20000) return
    said = Date.now()
    const time = new Date().toLocaleTimeString(document.documentElement.lang, { hour: '2-digit', minute: '2-digit' })
    where.textContent = where.getAttribute('data-live-say').replace('{time}', time)
  }

  // look fetches the page once; calls while it runs make it run once more, so the last change is never missed.
  async function look () {
    if (running) {
      again = true
      return
    }
    running = true
    try {
      const res = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store', credentials: 'same-origin' })
      const at = new URL(res.url)
      if (res.redirected && at.pathname !== location.pathname) {
        if (at.origin === location.origin) location.assign(at.href)
        return
      }
      if (!res.ok) return
      const page = new DOMParser().parseFromString(await res.text(), 'text/html')
      let changed = false
      stale = false
      for (const part of parts()) {
        const fresh = page.querySelector(`[data-live-part="${CSS.escape(part.getAttribute('data-live-part'))}"]`)
        if (fresh && adopt(part, fresh)) changed = true
      }
      if (changed) {
        document.title = page.title || document.title
        say()
        document.dispatchEvent(new CustomEvent('live-change'))
      }
    } catch { /* no network: the next message or poll tries again */ } finally {
      running = false
      if (again) {
        again = false
        setTimeout(look, 300)
      }
    }
  }

  function follow (url) {
    let connected = false
    const show = () => {
      for (const el of document.querySelectorAll('[data-live-state]')) el.hidden = !el.getAttribute('data-live-state').split(/\s+/).includes(connected ? 'open' : 'polling')
    }
    let events = null
    const open = () => {
      if (!window.EventSource) return
      events = new EventSource(url)
      events.onopen = () => {
        if (!connected) look() // what happened while we were away
        connected = true
        show()
      }
      events.onmessage = look
      events.addEventListener('change', look)
      events.addEventListener('go', e => {
        const to = new URL(e.data, location.href)
        if (to.origin === location.origin) location.assign(to.href)
      })
      events.onerror = () => {
        connected = false
        show()
      }
    }
    open()
    setInterval(() => {
      if (document.hidden) return
      if (stale) look()
      if (connected) return
      look()
      if (events && events.readyState === EventSource.CLOSED) open()
    }, 5000)
    document.addEventListener('visibilitychange', () => { if (!document.hidden) look() })
    window.addEventListener('pagehide', () => events && events.close())
    window.addEventListener('pageshow', e => { if (e.persisted) open() })
  }

  if (source && source.getAttribute('data-live')) follow(source.getAttribute('data-live'))

  async function copy (text) {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch { // in-app browsers have no clipboard: select in a field and ask the old way
      const field = document.createElement('textarea')
      field.className = 'visually-hidden'
      field.value = text
      document.body.append(field)
      field.select()
      let done = false
      try {
        done = document.execCommand('copy')
      } catch { /* nothing left to try */ }
      field.remove()
      return done
    }
  }

  document.addEventListener('click', async e => {
    const button = e.target.closest && e.target.closest('[data-copy]')
    if (!button || !(await copy(button.getAttribute('data-copy') || location.href))) return
    const where = document.querySelector('[data-copy-say]') || button
    where.textContent = button.getAttribute('data-copied') || where.textContent
    button.focus()
  })
})()
