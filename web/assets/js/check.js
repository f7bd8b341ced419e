// Camera and microphone check (page "prova"). Nothing leaves the device but the result the person submits.
//
// [data-check]                       the page's root; everything below is looked up inside it
//   [data-check-start]               button: ask for camera and microphone (also "try again")
//   [data-check-video]               <video playsinline muted>: own picture
//   [data-check-level]               <svg> with <rect>s lit from left to right; data-label="… {n} … {max}" for its aria-label
//   [data-check-sound]               button: play three notes;  [data-check-heard] button: "yes, I heard them"
//   select[data-check-mic], select[data-check-camera]   devices, inside [data-check-devices] (hidden until there is a choice)
//   [data-when="idle asking on failed"]                 shown in these states
//   [data-with="mic"], [data-with="camera"]             … while that device is open
//   [data-ok="camera"], [data-ok="mic"], [data-ok="speaker"]   … once proved by a frame, by samples, by the person
//   [data-cause="denied system absent busy unsupported silent other"]   … when one of these is the cause;
//                                    with data-device="mic" or "camera" only for that device; several conditions on one
//                                    element must all hold
//   [data-browser="chrome-android safari-ios firefox other …"]   the guide for this browser
//   form[data-check-form]            gets hidden inputs mic, camera, speaker: ok, untested or a cause
//     [data-check-submit]            disabled until one of them is proved and the other proved or its failure named
'use strict';
(() => {
  const root = document.querySelector('[data-check]')
  if (!root) return
  const one = s => root.querySelector(s)
  const all = s => root.querySelectorAll(s)
  const video = one('[data-check-video]')
  const level = one('[data-check-level]')
  const result = { mic: 'untested', camera: 'untested', speaker: 'untested' }
  let stream = null
  let audio = null // AudioContext, made by a tap so that it may sound
  let listening = 0 // number of the running meter; a new one ends the old

  const words = (el, name) => (el.getAttribute(name) || '').split(/\s+/)

  function browser () {
    const ua = navigator.userAgent
    const os = /android/i.test(ua) ? 'android' : /iPhone|iPad|iPod/.test(ua) || (/Macintosh/.test(ua) && navigator.maxTouchPoints > 1) ? 'ios' : 'desktop'
    const name = /Edg/.test(ua) ? 'edge' : /SamsungBrowser/.test(ua) ? 'samsung' : /Firefox|FxiOS/.test(ua) ? 'firefox' : /Chrom|CriOS/.test(ua) ? 'chrome' : /Safari/.test(ua) ? 'safari' : 'other'
    return [name + '-' + os, name, os]
  }
  const inApp = () => /FBAN|FBAV|Instagram|Line\/|Snapchat|musical_ly|TikTok|GSA\/|LinkedInApp|; wv\)/.test(navigator.userAgent)

  function show (state) {
    const causes = [result.mic, result.camera]
    const running = device => !!stream && stream.getTracks().some(t => t.kind === (device === 'mic' ? 'audio' : 'video') && t.readyState === 'live')
    const conditions = {
      'data-when': words => words.includes(state),
      'data-with': words => words.some(running),
      'data-ok': words => words.every(device => result[device] === 'ok'),
      'data-cause': (words, el) => words.some(c => (el.hasAttribute('data-device') ? [result[el.getAttribute('data-device')]] : causes).includes(c))
    }
    for (const el of all('[data-when], [data-with], [data-ok], [data-cause]')) {
      el.hidden = !Object.keys(conditions).every(a => !el.hasAttribute(a) || conditions[a](words(el, a), el))
    }
    for (const form of all('form[data-check-form]')) {
      for (const name of Object.keys(result)) {
        let input = form.querySelector(`input[name="${name}"]`)
        if (!input) {
          input = document.createElement('input')
          input.type = 'hidden'
          input.name = name
          form.append(input)
        }
        input.value = result[name]
      }
    }
    for (const el of all('[data-check-submit]')) el.disabled = causes.includes('untested') || !causes.includes('ok')
  }

  function showGuide () {
    const here = browser()
    const guides = [...all('[data-browser]')]
    const fit = here.find(b => guides.some(g => words(g, 'data-browser').includes(b))) || 'other'
    for (const g of guides) g.hidden = !words(g, 'data-browser').includes(fit)
  }

  function cause (err) {
    switch (err.name) {
      case 'NotAllowedError':
      case 'SecurityError':
        if (inApp()) return 'unsupported'
        return /system/i.test(err.message) ? 'system' : 'denied'
      case 'NotFoundError':
      case 'OverconstrainedError': return 'absent'
      case 'NotReadableError':
      case 'AbortError': return 'busy'
      case 'TypeError': return 'unsupported'
    }
    return 'other'
  }

  // Which of the two was refused: only the permission itself tells, and not every browser lets us ask.
  async function refused (name) {
    try {
      return (await navigator.permissions.query({ name })).state === 'denied'
    } catch { return null }
  }

  const wish = (select, extra) => ({ ...extra, ...(select && select.value ? { deviceId: { exact: select.value } } : {}) })
  const micWish = () => wish(one('select[data-check-mic]'), { echoCancellation: true, noiseSuppression: true })
  const cameraWish = () => wish(one('select[data-check-camera]'), { facingMode: 'user', width: { ideal: 640 }, height: { ideal: 480 } })

  // open asks for both at once (one question for the person); if that fails, for each alone, to name the one at fault.
  async function open () {
    const media = navigator.mediaDevices
    if (!window.isSecureContext || !media || !media.getUserMedia) {
      result.mic = result.camera = 'unsupported'
      return null
    }
    try {
      return await media.getUserMedia({ audio: micWish(), video: cameraWish() })
    } catch (err) {
      const why = cause(err)
      let alone = ['mic', 'camera']
      result.mic = result.camera = why
      if (why === 'unsupported') return null
      if (why === 'denied') {
        const mic = await refused('microphone')
        const camera = await refused('camera')
        if (mic === camera) return null // both, or nobody can say: do not ask again behind their back
        alone = mic ? ['camera'] : ['mic']
      }
      const tracks = []
      for (const device of alone) {
        try {
          const s = await media.getUserMedia(device === 'mic' ? { audio: micWish() } : { video: cameraWish() })
          tracks.push(...s.getTracks())
          result[device] = 'untested'
        } catch (e) { result[device] = cause(e) }
      }
      return tracks.length > 0 ? new MediaStream(tracks) : null
    }
  }

  async function start () {
    close()
    const speaker = result.speaker
    Object.assign(result, { mic: 'untested', camera: 'untested', speaker })
    show('asking')
    wake()
    stream = await open()
    if (!stream) return show('failed')
    for (const track of stream.getTracks()) track.addEventListener('ended', () => lost(track))
    if (stream.getVideoTracks().length > 0 && video) watch()
    if (stream.getAudioTracks().length > 0) listen()
    state()
    devices()
  }

  const failed = c => c !== 'ok' && c !== 'untested'
  const state = () => show(failed(result.mic) || failed(result.camera) ? 'failed' : 'on')

  function lost (track) {
    result[track.kind === 'audio' ? 'mic' : 'camera'] = 'busy'
    state()
  }

  // The camera is proved by a frame, not by the permission.
  function watch () {
    video.muted = true
    video.srcObject = stream
    video.hidden = false
    video.addEventListener('loadeddata', () => {
      if (video.videoWidth > 0) {
        result.camera = 'ok'
        state()
      }
    }, { once: true })
    video.play().catch(() => {}) // refused autoplay: the first frame is shown all the same
  }

  function wake () {
    const Context = window.AudioContext || window.webkitAudioContext
    if (!Context) return null
    audio = audio || new Context()
    if (audio.state !== 'running') audio.resume().catch(() => {})
    return audio
  }

  // The microphone is proved by a third of a second above -45 dBFS; ten seconds of exact zeros are a muted device.
  function listen () {
    const context = wake()
    if (!context) return
    const analyser = context.createAnalyser()
    analyser.fftSize = 1024
    context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser)
    const samples = new Float32Array(analyser.fftSize)
    const me = ++listening
    let loud = 0
    let last = performance.now()
    let sounded = last
    const step = now => {
      if (me !== listening) return
      analyser.getFloatTimeDomainData(samples)
      let sum = 0
      for (const s of samples) sum += s * s
      const rms = Math.sqrt(sum / samples.length)
      const db = 20 * Math.log10(rms || 1e-9)
      if (rms > 0) sounded = now
      if (db > -45) loud += now - last
      last = now
      draw(Math.max(0, Math.min(1, (db + 60) / 50)))
      if (result.mic !== 'ok' && loud > 333) {
        result.mic = 'ok'
        state()
      } else if (result.mic === 'untested' && context.state === 'running' && now - sounded > 10000) {
        result.mic = 'silent'
        state()
      } else if (result.mic === 'silent' && rms > 0) {
        result.mic = 'untested'
        state()
      }
      requestAnimationFrame(step)
    }
    requestAnimationFrame(step)
  }

  let spoken = 0
  function draw (share) {
    if (!level) return
    const bars = level.querySelectorAll('rect')
    const n = Math.round(share * bars.length)
    bars.forEach((bar, i) => {
      bar.classList.toggle('on', i < n)
      bar.setAttribute('y', i < n ? 0 : 7)
      bar.setAttribute('height', i < n ? 26 : 12)
    })
    const label = level.getAttribute('data-label')
    if (label && performance.now() - spoken > 1000) {
      spoken = performance.now()
      level.setAttribute('aria-label', label.replace('{n}', n).replace('{max}', bars.length))
    }
  }

  function notes () {
    const context = wake()
    if (!context) return
    ;[523.25, 659.25, 783.99].forEach((hertz, i) => {
      const from = context.currentTime + 0.05 + i * 0.35
      const tone = context.createOscillator()
      const gain = context.createGain()
      tone.frequency.value = hertz
      gain.gain.setValueAtTime(0, from)
      gain.gain.linearRampToValueAtTime(0.25, from + 0.03)
      gain.gain.exponentialRampToValueAtTime(0.001, from + 0.32)
      tone.connect(gain).connect(context.destination)
      tone.start(from)
      tone.stop(from + 0.34)
    })
  }

  async function devices () {
    const found = await navigator.mediaDevices.enumerateDevices().catch(() => [])
    let choice = false
    for (const [select, kind] of [[one('select[data-check-mic]'), 'audioinput'], [one('select[data-check-camera]'), 'videoinput']]) {
      if (!select) continue
      const mine = found.filter(d => d.kind === kind && d.deviceId)
      const track = stream && stream.getTracks().find(t => t.kind + 'input' === kind)
      const current = track ? track.getSettings().deviceId : select.value
      select.replaceChildren(...mine.map((d, i) => new Option(d.label || String(i + 1), d.deviceId, false, d.deviceId === current)))
      select.closest('.form-group')?.toggleAttribute('hidden', mine.length < 2)
      choice = choice || mine.length > 1
    }
    for (const el of all('[data-check-devices]')) el.hidden = !choice
  }

  function close () {
    listening++
    if (stream) for (const t of stream.getTracks()) t.stop()
    stream = null
    if (video) video.srcObject = null
    draw(0)
  }

  for (const b of all('[data-check-start]')) b.addEventListener('click', start)
  for (const b of all('[data-check-sound]')) b.addEventListener('click', notes)
  for (const b of all('[data-check-heard]')) {
    b.addEventListener('click', () => {
      result.speaker = 'ok'
      b.setAttribute('aria-pressed', 'true')
      state()
    })
  }
  for (const s of all('select[data-check-mic], select[data-check-camera]')) s.addEventListener('change', start)
  window.addEventListener('pagehide', close) // the call page needs the devices free
  showGuide()
  if (!window.isSecureContext || !navigator.mediaDevices) {
    result.mic = result.camera = 'unsupported'
    show('failed')
  } else {
    show('idle')
  }
})()
