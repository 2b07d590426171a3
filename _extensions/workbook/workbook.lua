-- The workbook's own constructs, for both engines: room to write, exercise stubs, slips and
-- worked solutions, recordings, error outputs, terms, and line breaks between Chinese characters.
-- Quarto loads this before its own filters; the embedded engine after numbering.

local TEXT = {
  zh = {
    answer = '作答处',
    predict = '先写在纸上，再往下看。',
    work = '写在纸上，或者写进本章的练习文件。',
    recorded = '录制于 %s',
    driver = '驱动 %s',
    threads = '%d 线程',
    missing = { cuda = '此结果需在 GPU 上录制，目前尚未录制。', cpu = '此结果因机器而异，目前尚未录制。' },
    stale = '录制的是本段代码的旧版本，此处不予显示。',
  },
  en = {
    answer = 'Your answer',
    predict = 'Write it down on paper before you read on.',
    work = 'Write on paper, or into the exercise file of this chapter.',
    recorded = 'Recorded on %s',
    driver = 'driver %s',
    threads = 'threads: %d',
    missing = {
      cuda = 'Not recorded yet: this result needs a GPU.',
      cpu = 'Not recorded yet: this result differs from machine to machine.',
    },
    stale = 'The recording is of an earlier version of this code and is not shown.',
  },
}
-- Of the bilingual edition, which says so in its metadata.
local function both(key)
  return TEXT.zh[key] .. ' <span class="en" lang="en" xml:lang="en">' .. TEXT.en[key] .. '</span>'
end
local BOTH = {
  answer = '作答处 Your answer',
  predict = both 'predict',
  work = both 'work',
  recorded = '录制于 Recorded on %s',
  driver = '驱动 driver %s',
  threads = '线程 threads: %d',
  missing = {
    cuda = TEXT.zh.missing.cuda .. ' ' .. TEXT.en.missing.cuda,
    cpu = TEXT.zh.missing.cpu .. ' ' .. TEXT.en.missing.cpu,
  },
  stale = TEXT.zh.stale .. ' ' .. TEXT.en.stale,
}
local text = TEXT.en

local typst = FORMAT:match 'typst' ~= nil
local epub = FORMAT:match 'epub' ~= nil
local html = not epub and FORMAT:match 'html' ~= nil

local function read_language(meta)
  local lang = meta.lang and pandoc.utils.stringify(meta.lang) or 'en'
  text = meta.bilingual and BOTH or TEXT[lang:match '^%a+'] or TEXT.en
end

-- Soft breaks -----------------------------------------------------------------------------

local IDEOGRAPHS = { { 0x2E80, 0x2FFF }, { 0x3005, 0x3007 }, { 0x3021, 0x312F },
  { 0x31C0, 0x9FFF }, { 0xF900, 0xFAFF }, { 0x20000, 0x3FFFF } }
local PUNCTUATION = { { 0x3000, 0x3004 }, { 0x3008, 0x3020 }, { 0xFE30, 0xFE4F },
  { 0xFF01, 0xFFEF } }

local function within(codepoint, ranges)
  for _, range in ipairs(ranges) do
    if codepoint and codepoint >= range[1] and codepoint <= range[2] then return true end
  end
  return false
end

-- The code point at one end of a piece of text; nothing for code, formulas and references,
-- which Chinese sets off with a space as it does Latin words.
local function edge(inline, at)
  if not inline or inline.t == 'Code' or inline.t == 'Math' or inline.t == 'Cite'
    or inline.t == 'RawInline' or (inline.t == 'Link' and inline.classes:includes 'xref') then
    return nil
  end
  local words = pandoc.utils.stringify(inline)
  if words == '' then return nil end
  return utf8.codepoint(words, utf8.offset(words, at))
end

-- A line break in the source is a space in Latin text and nothing in Chinese; between
-- Chinese and Latin the house style has a space.
local function joins(before, after)
  local left, right = edge(before, -1), edge(after, 1)
  return within(left, PUNCTUATION) or within(right, PUNCTUATION)
    or (within(left, IDEOGRAPHS) and within(right, IDEOGRAPHS))
end

-- A Chinese citation stands in full-width brackets, which bring their own space on both sides.
-- Quarto sets citations last of all: there `[@key]` is known by its key, which is no cross
-- reference.
local REFERENCES = { sec = true, fig = true, tbl = true, eq = true, exr = true }
local function bracketed(inline)
  if not inline or inline.t ~= 'Cite' then return false end
  local first = inline.citations[1]
  return pandoc.utils.stringify(inline):match '^（' ~= nil
    or (quarto ~= nil and text == TEXT.zh and first.mode ~= 'AuthorInText'
      and not REFERENCES[first.id:match '^(%a+)%-'])
end

local function drop_spaces(inlines)
  local kept = pandoc.Inlines {}
  for i, inline in ipairs(inlines) do
    local before, after = inlines[i - 1], inlines[i + 1]
    local soft = inline.t == 'SoftBreak' and joins(before, after)
    local wide = (inline.t == 'SoftBreak' or inline.t == 'Space')
      and (bracketed(before) or bracketed(after))
    if not (soft or wide) then kept:insert(inline) end
  end
  return kept
end

-- Room to write ---------------------------------------------------------------------------

-- Ruled for words; squared for code, sketches and tables.
local function answer(div)
  local lines = math.tointeger(tonumber(div.attributes.lines)) or 3
  local squared = div.classes:includes 'squared'
  if typst then -- the box stays until print has measured it: theme/print/typst.lua opens it
    div.attributes.lines = tostring(lines)
    div.content = { pandoc.RawBlock('typst', '#workbook-answer(' .. lines
      .. (squared and ', squared: true' or '') .. ')') }
    return div
  end
  if html then
    local id = div.identifier ~= '' and ' id="' .. div.identifier .. '"' or ''
    return pandoc.RawBlock('html', '<textarea' .. id .. ' class="answer'
      .. (squared and ' squared' or '') .. '" rows="' .. (squared and 2 * lines or lines)
      .. '" aria-label="' .. text.answer .. '"></textarea>')
  end
  if epub then -- nobody can write there: it says where to
    local where = div.classes:includes 'of-exercise' and text.work or text.predict
    return pandoc.RawBlock('html', '<p class="answer-elsewhere">' .. where .. '</p>')
  end
end

-- The room of an exercise knows that it is one: exercises have files to write in.
local function own_rooms(div)
  if not div.identifier:match '^exr%-' then return nil end
  return div:walk {
    Div = function(inner)
      if not inner.classes:includes 'answer' then return nil end
      inner.classes:insert 'of-exercise'
      return inner
    end,
  }
end

-- Cheat sheet -----------------------------------------------------------------------------

-- A call of Typst with an argument for each of these lines.
local function call(name, ...)
  local line = pandoc.Inlines { pandoc.RawInline('typst', '#' .. name) }
  for _, argument in ipairs { ... } do
    line:insert(pandoc.RawInline('typst', '['))
    line:extend(argument)
    line:insert(pandoc.RawInline('typst', ']'))
  end
  return pandoc.Plain(line)
end

local function child(div, class)
  return (div.content:find_if(function(block)
    return block.t == 'Div' and block.classes:includes(class)
  end))
end

local function card_line(div)
  local line = div.content[1].content
  local chinese = line[1].t == 'Span' and line[1].classes:includes 'zh'
  -- Where to look is said once, where both languages stand beside each other.
  return chinese and div.classes:includes 'card-place' and line[1].content or line
end

local function card_blocks(card)
  local title, place = child(card, 'card-title'), child(card, 'card-place')
  local out = pandoc.Blocks { call('workbook-card-title', card_line(title), card_line(place)) }
  for _, block in ipairs(card.content) do
    if block.t == 'DefinitionList' then
      for _, item in ipairs(block.content) do
        out:insert(call('workbook-entry', item[1], pandoc.utils.blocks_to_inlines(item[2][1])))
      end
    elseif block ~= title and block ~= place then
      out:insert(block)
    end
  end
  return out
end

-- On paper the cards stand in columns on one page, below the heading of their sheet.
local function cheatsheet(heading, div)
  local out = pandoc.Blocks { pandoc.RawBlock('typst', '#workbook-cheatsheet(') }
  if heading then
    out:insert(pandoc.RawBlock('typst', 'title: ['))
    out:insert(heading)
    out:insert(pandoc.RawBlock('typst', '],'))
  end
  for _, card in ipairs(div.content) do
    out:insert(pandoc.RawBlock('typst', '['))
    out:extend(card_blocks(card))
    out:insert(pandoc.RawBlock('typst', '],'))
  end
  out:insert(pandoc.RawBlock('typst', ')'))
  return out
end

local function is_section(block) return block and block.t == 'Header' and block.level > 1 end

local function cheatsheets(blocks)
  if not typst then return nil end
  local out, begun = pandoc.Blocks {}, false
  for _, block in ipairs(blocks) do
    if block.t == 'Div' and block.classes:includes 'cheatsheet' then
      local heading = is_section(out[#out]) and out:remove() or nil
      if begun then out:insert(pandoc.RawBlock('typst', '#pagebreak(weak: true)')) end
      out:extend(cheatsheet(heading, block))
      begun = true
    else
      out:insert(block)
    end
  end
  return out
end

-- Exercises -------------------------------------------------------------------------------

-- What an answer is to: it stays on the page of the answer.
local function answer_title(div)
  if not typst then return nil end
  div.content:insert(1, pandoc.RawBlock('typst', '#workbook-answer-title['))
  local anchor = div.identifier ~= '' and ' <' .. div.identifier .. '>' or ''
  div.content:insert(pandoc.RawBlock('typst', ']' .. anchor))
  return div.content
end

local function stub(div)
  local raise = '%1raise NotImplementedError("' .. div.attributes.exercise .. '")'
  return div:walk {
    CodeBlock = function(block)
      block.text = block.text:gsub('([ \t]*)### BEGIN SOLUTION\n.-### END SOLUTION', raise)
      return block
    end,
  }
end

-- Recordings ------------------------------------------------------------------------------

local function root()
  local project = os.getenv 'QUARTO_PROJECT_ROOT'
  if project then return project end
  local folder = pandoc.path.directory(PANDOC_SCRIPT_FILE)
  return pandoc.path.join { folder, '..', '..' }
end

local function read_recording(device, label)
  local name = pandoc.path.join { 'recordings', device, label .. '.json' }
  local file = io.open(pandoc.path.join { root(), name }, 'r')
  if not file then return nil end
  local recording = pandoc.json.decode(file:read 'a', false)
  file:close()
  return recording or error(name .. ' is not JSON: record it again')
end

local function stamp(line)
  local inlines = pandoc.Inlines(line)
  if typst then
    inlines:insert(1, pandoc.RawInline('typst', '#workbook-recording['))
    inlines:insert(pandoc.RawInline('typst', ']'))
    return pandoc.Plain(inlines)
  end
  return pandoc.Div(pandoc.Para(inlines), pandoc.Attr('', { 'recording' }))
end

local function code_of(cell)
  local code
  cell:walk {
    CodeBlock = function(block)
      if block.classes:includes 'cell-code' then code = code or block.text end
    end,
  }
  return code
end

-- On which machine: its device, what belongs to such a device, the version and the day.
local function circumstances(recording)
  local parts = { text.recorded:format(recording.device) }
  if recording.driver ~= '' then table.insert(parts, text.driver:format(recording.driver)) end
  if recording.threads then table.insert(parts, text.threads:format(recording.threads)) end
  table.insert(parts, 'torch ' .. recording.torch)
  table.insert(parts, recording.date)
  return table.concat(parts, ' · ')
end

-- What needs a GPU, or differs from machine to machine, was recorded on one; it is shown only
-- beside the code it is of.
local function recorded(div)
  local device = div.attributes.recorded
  local recording = read_recording(device, (div.identifier:gsub('^cell%-', '')))
  if not recording then
    div.content:insert(stamp(text.missing[device]))
  elseif recording.inputs.cell ~= pandoc.utils.sha1(code_of(div) or '') then
    div.content:insert(stamp(text.stale))
  else
    local output = pandoc.Attr('', { 'cell-output', 'cell-output-stdout' })
    local printed = recording.stdout:gsub('%s+$', '')
    div.content:insert(pandoc.Div(pandoc.CodeBlock(printed), output))
    div.content:insert(stamp(circumstances(recording)))
  end
  -- Quarto drops a cell that neither runs nor shows its code, so this one showed it up to here.
  if div.attributes.repeats then div.content:remove(1) end
  return div
end

-- Error outputs ---------------------------------------------------------------------------

local function plain_text(element)
  local found = ''
  element:walk {
    CodeBlock = function(block) found = found .. block.text:gsub('\27%[[%d;]*m', '') end,
    -- Quarto writes <pre> with colors.
    RawBlock = function(block) found = found .. plain_text(pandoc.read(block.text, 'html')) end,
  }
  return found
end

-- The exception without the traceback: its frames are the library's, and hold paths.
local function exception(traceback)
  local name, message
  for line in (traceback .. '\n'):gmatch '(.-)\n' do
    local header = line:match '^(%S+)%s+Traceback %(most recent call last%)'
    if header then
      name, message = header, nil -- of a chain of exceptions the last one counts
    elseif not name and line:match '^%a%w*: ' then
      message = line -- a SyntaxError has no such header: its last such line counts
    elseif message then
      message = message .. '\n' .. line
    elseif name and (line:sub(1, #name + 1) == name .. ':' or line == name) then
      message = line
    end
  end
  -- Quarto puts the message before the traceback too: there what follows it is cut off.
  message = (message or traceback):gsub('\n%-%-%-%-%-%-%-%-.*$', '')
  return (message:gsub(' %(%d+%.py, line %d+%)', ''):gsub('%s+$', ''))
end

local function error_output(div)
  div.content = { pandoc.CodeBlock(exception(plain_text(div))) }
  return div
end

-- Terms -----------------------------------------------------------------------------------

local function term(span)
  local content = span.content
  if typst then
    content:insert(1, pandoc.RawInline('typst', '#workbook-term['))
    content:insert(pandoc.RawInline('typst', '];')) -- `;`: what follows is no part of it
    return content
  end
  if html or epub then
    content:insert(1, pandoc.RawInline('html', '<dfn class="term">'))
    content:insert(pandoc.RawInline('html', '</dfn>'))
    return content
  end
end

-- The filter ------------------------------------------------------------------------------

local function div(block)
  local classes = block.classes
  if classes:includes 'answer' then return answer(block) end
  if classes:includes 'answer-title' then return answer_title(block) end
  -- Printed at the back of the book:
  if classes:includes 'worked' or classes:includes 'slips' then return {} end
  if classes:includes 'cell-output-error' then return error_output(block) end
  if classes:includes 'cell' and block.attributes.exercise then return stub(block) end
  if classes:includes 'cell' and block.attributes.recorded then return recorded(block) end
end

local function span(inline)
  if inline.classes:includes 'term' then return term(inline) end
  -- Told from the result beside it where two languages are zipped, and of no form of its own:
  if inline.classes:includes 'card-note' then return inline.content end
end

-- Formulas and code stand in the text before terms become raw markup around them.
return {
  { Meta = read_language },
  { Inlines = drop_spaces },
  { Div = own_rooms },
  { Div = div, Span = span, Blocks = cheatsheets },
}
