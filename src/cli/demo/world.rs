//! The sample restaurant group: its venues, its people, and who is on the floor.

use serde_json::{Value, json};

/// The id of the organisation.
pub const ORG_ID: &str = "harbour-vine";
/// Its name.
pub const ORG_NAME: &str = "Harbour & Vine";
/// Where something happens at no venue.
pub const ORG_TIME_ZONE: &str = "Europe/London";
/// The password of every log-in of the demo.
pub const PASSWORD: &str = "oysters at dusk";
/// The server whom the demo blocks before it says hello.
pub const BLOCKED: Server = Server { id: "marco", name: "Marco Bianchi" };
/// The server whom nobody has blocked yet.
pub const FREE: Server = Server { id: "nina", name: "Nina Park" };
/// Where both of them work.
pub const STAGE: usize = 2;

/// Somebody who serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Server {
    pub id: &'static str,
    pub name: &'static str,
}

/// One restaurant.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Venue {
    pub id: &'static str,
    pub name: &'static str,
    pub time_zone: &'static str,
    pub gm_email: &'static str,
    /// The log-in of its general manager.
    pub gm: &'static str,
    pub floor: [Server; 4],
}

const fn server(id: &'static str, name: &'static str) -> Server {
    Server { id, name }
}

/// The restaurants, from east to west.
pub const VENUES: [Venue; 4] = [
    Venue {
        id: "harbour-house",
        name: "Harbour House",
        time_zone: "Europe/Lisbon",
        gm_email: "gm@harbour-house.example",
        gm: "gabriel",
        floor: [
            server("ines", "Inês Duarte"),
            server("tomas", "Tomás Rocha"),
            server("rita", "Rita Leal"),
            server("duarte", "Duarte Pinto"),
        ],
    },
    Venue {
        id: "vine-street",
        name: "Vine Street",
        time_zone: "Europe/London",
        gm_email: "gm@vine-street.example",
        gm: "grace",
        floor: [
            server("poppy", "Poppy Shaw"),
            server("callum", "Callum Reid"),
            server("aisha", "Aisha Khan"),
            server("owen", "Owen Price"),
        ],
    },
    Venue {
        id: "pier-nine",
        name: "Pier Nine",
        time_zone: "America/New_York",
        gm_email: "gm@pier-nine.example",
        gm: "gino",
        floor: [
            server("ana", "Ana Costa"),
            server("dev", "Dev Malik"),
            server("june", "June Osei"),
            server("luis", "Luis Prado"),
        ],
    },
    Venue {
        id: "saltbox",
        name: "The Saltbox",
        time_zone: "America/Los_Angeles",
        gm_email: "gm@saltbox.example",
        gm: "georgia",
        floor: [
            server("kai", "Kai Nakamura"),
            server("rosa", "Rosa Vidal"),
            server("finn", "Finn Walsh"),
            server("mei", "Mei Tanaka"),
        ],
    },
];

/// Somebody who can log in.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Person {
    pub id: &'static str,
    pub name: &'static str,
    pub role: &'static str,
    /// All venues when empty.
    pub venues: &'static [&'static str],
}

const fn person(id: &'static str, name: &'static str, role: &'static str, venues: &'static [&'static str]) -> Person {
    Person { id, name, role, venues }
}

/// The owner comes with the organisation; the others are added after the venues.
pub const OWNER: Person = person("olivia", "Olivia Hart", "owner", &[]);

/// Everybody else.
pub const PEOPLE: [Person; 10] = [
    person("anders", "Anders Lind", "admin", &[]),
    person("vera", "Vera Prakash", "vp_ops", &[]),
    person("gabriel", "Gabriel Moura", "gm", &["harbour-house"]),
    person("grace", "Grace Whitfield", "gm", &["vine-street"]),
    person("gino", "Gino Russo", "gm", &["pier-nine"]),
    person("georgia", "Georgia Lake", "gm", &["saltbox"]),
    person("maya", "Maya Tran", "manager", &["pier-nine", "saltbox"]),
    person("ravi", "Ravi Menon", "reviewer", &[]),
    person("sam", "Sam Ortiz", "staff", &["pier-nine"]),
    person("vivian", "Vivian Blake", "viewer", &[]),
];

impl Person {
    /// The address that they log in with.
    pub fn email(&self) -> String {
        email(self.id)
    }

    /// The body that adds them.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "id": self.id, "email": self.email(), "name": self.name, "role": self.role, "password": PASSWORD,
        });
        if !self.venues.is_empty() {
            body["venues"] = json!(self.venues);
        }
        body
    }
}

impl Venue {
    /// The body that makes it.
    pub fn body(&self) -> Value {
        let contacts = json!({ "gm_email": self.gm_email, "gm_user_id": self.gm });
        json!({ "name": self.name, "time_zone": self.time_zone, "business_day_starts": 4, "contacts": contacts })
    }
}

/// The address of a log-in.
pub fn email(id: &str) -> String {
    format!("{id}@harbour-vine.example")
}

/// The body that makes the organisation.
pub fn organisation() -> Value {
    let owner = json!({ "email": OWNER.email(), "name": OWNER.name, "password": PASSWORD });
    json!({ "org_id": ORG_ID, "name": ORG_NAME, "time_zone": ORG_TIME_ZONE, "owner": owner })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Role;
    use crate::domain::time::Zone;

    #[test]
    fn there_is_a_log_in_for_every_role_and_a_gm_for_every_venue() {
        let roles: Vec<&str> = PEOPLE.iter().chain([&OWNER]).map(|person| person.role).collect();
        for role in ["owner", "admin", "vp_ops", "gm", "manager", "reviewer", "staff", "viewer"] {
            assert!(roles.contains(&role) && Role::named(role).is_some(), "{role}");
        }
        for venue in VENUES {
            let gm = PEOPLE.iter().find(|person| person.id == venue.gm).unwrap();
            assert_eq!((gm.role, gm.venues), ("gm", &[venue.id][..]));
            assert!(Zone::named(venue.time_zone).is_ok(), "{}", venue.time_zone);
        }
    }

    #[test]
    fn nobody_of_the_story_works_the_simulated_shift() {
        let mut floor = VENUES.iter().flat_map(|venue| venue.floor);
        assert!(floor.all(|server| server.id != BLOCKED.id && server.id != FREE.id));
    }

    #[test]
    fn everybody_has_an_id_of_their_own() {
        let floor = VENUES.iter().flat_map(|venue| venue.floor.map(|server| server.id));
        let mut ids: Vec<&str> = PEOPLE.iter().map(|person| person.id).chain([OWNER.id]).chain(floor).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
