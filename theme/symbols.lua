-- A formula in Typst, as pandoc writes it but for what Typst has renamed since, and for large
-- brackets: pandoc's are pieces of text, which Typst spaces as if they were relations.

local RENAMED = {
  ['dot.circle'] = 'dot.o', ['dot.circle.big'] = 'dot.o.big',
  ['times.circle'] = 'times.o', ['times.circle.big'] = 'times.o.big',
  ['minus.circle'] = 'minus.o', ['plus.circle'] = 'plus.o', ['plus.circle.big'] = 'plus.o.big',
  ['sect'] = 'inter', ['sect.big'] = 'inter.big', ['sect.sq'] = 'inter.sq',
  ['tack.r.double'] = 'tack.r.r', ['lt.tri'] = 'lt.closed', ['gt.tri'] = 'gt.closed',
  ['lt.tri.eq'] = 'lt.closed.eq', ['gt.tri.eq'] = 'gt.closed.eq',
}

local CLASSES = { ['('] = 'opening', ['['] = 'opening', [')'] = 'closing', [']'] = 'closing' }

local function bracket(size, delimiter)
  local class = CLASSES[delimiter]
  return class and ('class("%s", lr(size: #%s%%, \\%s))'):format(class, size, delimiter)
end

return function(m)
  local written = pandoc.write(pandoc.Pandoc { pandoc.Plain { m } }, 'typst')
  for old, new in pairs(RENAMED) do
    -- A name ends where a letter or another modifier would go on.
    written = written:gsub('%f[%a]' .. old:gsub('%.', '%%.') .. '%f[^%a.]', new)
  end
  written = written:gsub('#scale%(x: (%d+)%%, y: %d+%%%)%[\\(.)%]', bracket)
  return (written:gsub('%s+$', ''))
end
