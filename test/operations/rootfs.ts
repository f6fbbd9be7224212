import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findProgram } from '../support/programs.js'

/**
 * A file system with no more than Node.js, npm and a shell, of this machine's own files: what an image is based on where none can be
 * fetched.
 */
export async function makeRootfs(folder: string): Promise<void> {
  for (const name of ['usr/bin', 'bin', 'etc', 'tmp', 'proc', 'dev', 'sys', 'npm-cache']) {
    await mkdir(join(folder, name), { recursive: true })
  }
  const programs = new Map([
    [process.execPath, '/usr/bin/node'],
    ['/bin/sh', '/bin/sh'],
    [findProgram('mkdir') ?? '', '/bin/mkdir'],
    [findProgram('env') ?? '', '/usr/bin/env'],
  ])
  const libraries = new Set<string>()
  for (const [source, target] of programs) {
    await copyFile(source, join(folder, target))
    const listed = execFileSync('ldd', [source], { encoding: 'utf8' })
    for (const [path] of listed.matchAll(/\/\S+/g)) libraries.add(path)
  }
  // Names are looked up by libraries that nobody is linked with.
  for (const path of [...libraries]) {
    for (const name of ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'])
      libraries.add(join(dirname(path), name))
  }
  for (const path of libraries) {
    if (!existsSync(path)) continue
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await copyFile(path, join(folder, path))
  }
  for (const path of ['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf']) {
    if (existsSync(path)) await copyFile(path, join(folder, path))
  }
  await addNpm(folder)
}

async function addNpm(folder: string): Promise<void> {
  const modules = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim()
  await cp(join(modules, 'npm'), join(folder, 'usr/lib/node_modules/npm'), { recursive: true, verbatimSymlinks: true })
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'usr/bin/npm'))
  const options = ['prefer-offline=true', 'update-notifier=false', 'cache=/npm-cache']
  const certificates = process.env['NODE_EXTRA_CA_CERTS']
  if (certificates) {
    await copyFile(certificates, join(folder, 'etc/certificates.pem'))
    options.push('cafile=/etc/certificates.pem')
  }
  await writeFile(join(folder, '.npmrc'), `${options.join('\n')}\n`)
}
