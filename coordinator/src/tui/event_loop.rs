//! The loop around the screen: keys and views come in, frames and commands go out.
//!
//! It reads the newest view and never waits for the run. A frame is written on a thread for blocking work, so a terminal
//! that has stalled stops the screen and nothing else. At most ten frames a second, and one at once after a key or a
//! change of size.

use std::io;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::{Stream, StreamExt};
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::layout::Size;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::action::{Action, Mode, Reaction, Trouble};
use super::draw::draw;
use super::keys;
use super::state::Screen;
use super::terminal::{self, Guard};
use super::theme::Theme;
use crate::run::input::Person;
use crate::view::{Phase, RunView};

/// Between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(100);

/// How the screen is.
#[derive(Debug)]
pub struct Setup {
    /// Its looks.
    pub theme: Theme,
    /// Whose it is.
    pub mode: Mode,
    /// The last picture stays until a key is pressed, or this is told.
    pub stay: Option<watch::Receiver<bool>>,
}

/// Shows the run until it is finished, nobody publishes views any more, or a person who only watches leaves; with `stay` the
/// last picture stays until a key is pressed that does not move about in it, or `stay` is told. What the person wants of the run
/// goes out as `wishes`. The terminal is as before when it returns.
///
/// # Errors
///
/// The terminal could not be set up or written to, or a panic somewhere took the screen away. The run is not concerned;
/// the caller may go on without a screen.
pub async fn run(
    view: watch::Receiver<RunView>,
    wishes: mpsc::Sender<Person>,
    setup: Setup,
) -> io::Result<()> {
    let guard = Guard::enter()?;
    let mut backend = CrosstermBackend::new(io::stdout());
    // Not the terminal's own `clear`: that asks where the cursor is, and a terminal that does not answer, or not soon,
    // would be without a screen.
    backend.clear()?;
    let mut looker = Looker::new(Terminal::new(backend)?, setup.theme, setup.mode)?;
    let mut events = EventStream::new();
    looker.screen.stays = setup.stay.is_some();
    let mut result = looker.watch(&mut events, view.clone(), &wishes).await;
    if let (Ok(End::OfRun), Some(leave)) = (&result, setup.stay) {
        // The run is not to wait for somebody who looks at it.
        drop(wishes);
        result = looker.linger(&mut events, &view, leave).await.map(|()| End::OfRun);
    }
    drop(guard);
    result.map(|_| ())
}

/// Why a screen is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The run is, or nobody tells of it any more.
    OfRun,
    /// The person has left.
    Left,
}

/// A screen on any terminal, and what it remembers.
struct Looker<B: Backend> {
    /// Away while a frame is written.
    terminal: Option<Terminal<B>>,
    screen: Screen,
    theme: Theme,
    drawn: Instant,
}

impl<B> Looker<B>
where
    B: Backend<Error: Send + Sync + 'static> + Send + 'static,
{
    fn new(terminal: Terminal<B>, theme: Theme, mode: Mode) -> io::Result<Self> {
        let screen = Screen::new(terminal.size().map_err(io::Error::other)?, mode);
        Ok(Self { terminal: Some(terminal), screen, theme, drawn: Instant::now() })
    }

    /// Shows the run while there is one, over any source of events.
    async fn watch(
        &mut self,
        events: &mut (impl Stream<Item = io::Result<Event>> + Unpin),
        mut view: watch::Receiver<RunView>,
        wishes: &mpsc::Sender<Person>,
    ) -> io::Result<End> {
        // When the next frame is due; `None` while nothing has changed since the last.
        let mut due = Some(Instant::now());
        while view.borrow_and_update().phase != Phase::Finished {
            tokio::select! {
                changed = view.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    due = due.or(Some(self.drawn + FRAME));
                }
                event = events.next(), if !is_deaf(&self.screen) => {
                    match take_event(event, &mut self.screen, &view.borrow(), wishes) {
                        Taken::Nothing => {}
                        Taken::News => due = Some(Instant::now()),
                        Taken::Left => return Ok(End::Left),
                    }
                }
                () = sleep_until(due.unwrap_or(self.drawn)), if due.is_some() => {
                    self.paint(&view).await?;
                    due = None;
                }
            }
        }
        Ok(End::OfRun)
    }

    /// Keeps the last picture until a key is pressed that asks for nothing on it, or `leave` is told or gone.
    async fn linger(
        &mut self,
        events: &mut (impl Stream<Item = io::Result<Event>> + Unpin),
        view: &watch::Receiver<RunView>,
        mut leave: watch::Receiver<bool>,
    ) -> io::Result<()> {
        while !is_deaf(&self.screen) {
            self.paint(view).await?;
            tokio::select! {
                event = events.next() => match event {
                    // Without keys nobody could ever leave.
                    Some(Err(_)) | None => return Ok(()),
                    Some(Ok(event)) if self.ends_with(&event, &view.borrow()) => return Ok(()),
                    Some(Ok(_)) => {}
                },
                _ = leave.wait_for(|told| *told) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Whether what the terminal said is a key that asks for nothing on the screen that stayed.
    fn ends_with(&mut self, event: &Event, view: &RunView) -> bool {
        let Some(action) = action(event, &self.screen) else {
            return matches!(event, Event::Key(key) if key.kind != KeyEventKind::Release);
        };
        act(&mut self.screen, action, view) != Reaction::Taken
    }

    async fn paint(&mut self, view: &watch::Receiver<RunView>) -> io::Result<()> {
        let newest = view.borrow().clone();
        let terminal = self.terminal.take().ok_or_else(|| io::Error::other("the terminal is gone"))?;
        self.terminal = Some(paint(terminal, self.screen.clone(), newest, self.theme).await?);
        self.drawn = Instant::now();
        Ok(())
    }
}

fn is_deaf(screen: &Screen) -> bool {
    matches!(screen.trouble, Some(Trouble::Deaf(_)))
}

/// What there is to do once an event is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Nothing,
    /// There is something new to draw.
    News,
    /// The person has left.
    Left,
}

/// Takes what the terminal said.
fn take_event(
    event: Option<io::Result<Event>>,
    screen: &mut Screen,
    view: &RunView,
    wishes: &mpsc::Sender<Person>,
) -> Taken {
    let action = match event {
        Some(Ok(event)) => action(&event, screen),
        Some(Err(error)) => return deafen(screen, error.to_string()),
        None => return deafen(screen, "end of input".to_owned()),
    };
    let Some(action) = action else { return Taken::Nothing };
    match act(screen, action, view) {
        Reaction::Leave => return Taken::Left,
        Reaction::Ask(wish) => {
            if let Err(TrySendError::Full(_)) = wishes.try_send(wish) {
                // Not to wait: the screen must go on. A person sees that nothing happened and presses again.
                screen.trouble = Some(Trouble::Refused);
            }
        }
        Reaction::Nothing | Reaction::Taken => {}
    }
    Taken::News
}

/// What an event asks of the screen.
fn action(event: &Event, screen: &Screen) -> Option<Action> {
    match event {
        Event::Key(key) => keys::action(*key, screen.typing),
        Event::Mouse(event) => keys::mouse(*event),
        Event::Resize(width, height) => Some(Action::Resize(Size::new(*width, *height))),
        _ => None,
    }
}

/// Changes the screen, and the terminal where the mouse changes hands.
fn act(screen: &mut Screen, action: Action, view: &RunView) -> Reaction {
    let mouse = screen.mouse;
    let reaction = screen.update(action, view);
    // A terminal that does not hand over its mouse is no trouble: the keys do everything.
    if screen.mouse != mouse && terminal::take_mouse(screen.mouse).is_err() {
        screen.mouse = mouse;
    }
    reaction
}

/// No more keys. Ctrl-C becomes the signal it is elsewhere.
fn deafen(screen: &mut Screen, why: String) -> Taken {
    terminal::cook();
    screen.trouble = Some(Trouble::Deaf(why));
    Taken::News
}

/// Writes one frame, away from the runtime's threads.
async fn paint<B>(
    mut terminal: Terminal<B>,
    screen: Screen,
    view: RunView,
    theme: Theme,
) -> io::Result<Terminal<B>>
where
    B: Backend<Error: Send + Sync + 'static> + Send + 'static,
{
    let painted = tokio::task::spawn_blocking(move || {
        if terminal::is_lost() {
            return Err(io::Error::other("a panic ended the terminal UI"));
        }
        terminal.draw(|frame| draw(frame, &screen, &view, theme)).map_err(io::Error::other)?;
        Ok(terminal)
    });
    painted.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use futures_util::stream;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::tui::samples;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    fn looker() -> Looker<TestBackend> {
        Looker::new(Terminal::new(TestBackend::new(80, 24)).unwrap(), Theme::None, Mode::Own).unwrap()
    }

    fn text(looker: &Looker<TestBackend>) -> String {
        format!("{}", looker.terminal.as_ref().unwrap().backend())
    }

    #[tokio::test(start_paused = true)]
    async fn keys_become_commands_and_the_end_of_the_run_ends_the_loop() {
        let (publish, view) = watch::channel(samples::running());
        let (commands, mut taken) = mpsc::channel(8);
        let mut keys = stream::iter([
            key(KeyCode::Char('W'), KeyModifiers::SHIFT),
            key(KeyCode::Char('q'), KeyModifiers::NONE),
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
        ])
        .map(Ok)
        .chain(stream::pending());
        let screen = tokio::spawn(async move { looker().watch(&mut keys, view, &commands).await });
        assert_eq!(taken.recv().await, Some(Person::ChangeUsers(10)));
        assert_eq!(taken.recv().await, Some(Person::Quit));
        assert_eq!(taken.recv().await, Some(Person::Interrupt));
        publish.send_modify(|view| view.phase = Phase::Finished);
        assert_eq!(screen.await.unwrap().unwrap(), End::OfRun);
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_watches_leaves_and_asks_for_nothing() {
        for last in
            [key(KeyCode::Char('q'), KeyModifiers::NONE), key(KeyCode::Char('c'), KeyModifiers::CONTROL)]
        {
            let (_publish, view) = watch::channel(samples::running());
            let (wishes, mut taken) = mpsc::channel(8);
            let mut keys = stream::iter([key(KeyCode::Char('w'), KeyModifiers::NONE), last])
                .map(Ok)
                .chain(stream::pending());
            let mode = Mode::Watching { control: false };
            let terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
            let mut looker = Looker::new(terminal, Theme::None, mode).unwrap();
            assert_eq!(looker.watch(&mut keys, view, &wishes).await.unwrap(), End::Left);
            drop(wishes);
            assert_eq!(taken.recv().await, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_keyboard_leaves_the_screen_alive_until_the_run_goes() {
        let (publish, view) = watch::channel(samples::running());
        let (commands, _taken) = mpsc::channel(8);
        let mut keys = stream::iter([Err(io::Error::other("gone"))]);
        let screen = tokio::spawn(async move { looker().watch(&mut keys, view, &commands).await });
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(!screen.is_finished());
            publish.send_modify(|view| view.users += 1);
        }
        drop(publish);
        screen.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_finished_run_is_not_waited_for() {
        let (_publish, view) = watch::channel(samples::finished());
        let (commands, _taken) = mpsc::channel(8);
        looker().watch(&mut stream::pending(), view, &commands).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_screen_that_stays_can_be_looked_around_in_until_another_key() {
        let (publish, view) = watch::channel(samples::finished());
        drop(publish);
        let (_tell, leave) = watch::channel(false);
        let none = KeyModifiers::NONE;
        let presses = [
            KeyCode::Char('4'),
            KeyCode::Down,
            KeyCode::Char('?'),
            KeyCode::Esc,
            KeyCode::Enter,
            KeyCode::Tab,
        ];
        let mut keys = stream::iter(presses.map(|code| Ok(key(code, none)))).chain(stream::pending());
        let mut looker = looker();
        looker.screen.stays = true;
        looker.linger(&mut keys, &view, leave).await.unwrap();
        assert!(text(&looker).contains("q leave"), "{}", text(&looker));
        assert!(text(&looker).contains("10.0.0.5"), "the workers are shown: {}", text(&looker));
        let left = keys.next().await.map(Result::unwrap);
        assert_eq!(left, Some(key(KeyCode::Tab, none)), "what was pressed behind it is not taken");
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_and_a_dead_keyboard_end_a_screen_that_stays() {
        let (_publish, view) = watch::channel(samples::finished());
        let (tell, leave) = watch::channel(false);
        tell.send_replace(true);
        looker().linger(&mut stream::pending(), &view, leave.clone()).await.unwrap();
        tell.send_replace(false);
        looker().linger(&mut stream::empty(), &view, leave.clone()).await.unwrap();
        drop(tell);
        looker().linger(&mut stream::pending(), &view, leave).await.unwrap();
    }

    #[test]
    fn a_command_that_is_not_taken_is_owned_up_to() {
        let (commands, _taken) = mpsc::channel(1);
        let view = samples::running();
        let mut screen = Screen::new(Size::new(80, 24), Mode::Own);
        let mut press = |code| {
            take_event(Some(Ok(key(KeyCode::Char(code), KeyModifiers::NONE))), &mut screen, &view, &commands);
            screen.trouble.clone()
        };
        assert_eq!(press('w'), None);
        assert_eq!(press('q'), Some(Trouble::Refused));
        assert_eq!(press('1'), None);
    }
}
