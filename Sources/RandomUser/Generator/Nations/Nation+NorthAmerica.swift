extension Nation {
    /// Canada, Mexico, the United States.
    static let northAmerican: [Nation] = [
        Nation(
            "CA", "Canada",
            male:
                "Liam,Noah,Thomas,William,Nathan,Olivier,Jacob,Étienne,Félix,Logan,Samuel,Lucas,Benjamin,Xavier,Owen,Gabriel,Mathis,Ethan,Jérémy,Carter",
            female:
                "Emma,Charlotte,Léa,Olivia,Florence,Alice,Zoé,Chloé,Rosalie,Béatrice,Maya,Jade,Camille,Amélie,Juliette,Sophie,Abigail,Éléonore,Hailey,Ava",
            last:
                "Tremblay,Gagnon,Roy,Côté,Bouchard,Gauthier,Morin,Lavoie,Fortin,Gagné,Smith,MacDonald,Campbell,Singh,Wong,Martin,Wilson,Fraser,Bélanger,Chan,Patel,Novak",
            streets:
                "Lakeshore Rd,Duke St,York St,Dundas Rd,Queen St,King St,Regent Ave,Brock Rd,Dalhousie Ave,Elgin St,Vimy St,Tecumseh Rd,College Ave,Harbour St",
            cities:
                "Armstrong,Belmont,Bath,Cochrane,Deer Lake,Enterprise,Frontenac,Georgetown,Hampton,Kingston,Lafontaine,Maidstone,Oakville,Sherbrooke,Victoria,Windsor",
            states:
                "Alberta,British Columbia,Manitoba,New Brunswick,Newfoundland and Labrador,Nova Scotia,Nunavut,Ontario,Prince Edward Island,Québec,Saskatchewan,Yukon",
            postcode: .text(["@#@ #@#"]), phones: ["@## @##-####"], cells: ["@## @##-####"], identity: .socialInsurance),
        Nation(
            "MX", "Mexico",
            male:
                "José,Luis,Juan,Miguel,Jesús,Alejandro,Francisco,Fernando,Ricardo,Eduardo,Ramón,Raúl,Arturo,Rodrigo,Ignacio,Humberto,Andrés,Héctor,Iván,Gerardo",
            female:
                "María,Guadalupe,Verónica,Leticia,Rosa,Carmen,Lucía,Gabriela,Ximena,Valentina,Regina,Renata,Dalia,Ofelia,Paola,Itzel,Jimena,Mónica,Noemí,Silvia",
            last:
                "Hernández,García,Martínez,López,González,Rodríguez,Pérez,Sánchez,Ramírez,Flores,Gómez,Cruz,Morales,Reyes,Gutiérrez,Ortiz,Chávez,Ruiz,Domínguez,Castillo,Zúñiga,Peña",
            streets:
                "Avenida Juárez,Calle Hidalgo,Boulevard Morelos,Calzada Zaragoza,Privada Allende,Callejón Guerrero,Eje vial Central,Viaducto Alemán,Andador Nayarit,Cerrada Puebla,Paseo Sonora,Circuito Colima",
            cities:
                "Tepoztlán,Ixtapan de la Sal,Valle de Bravo,Papantla,San Miguel de Allende,Tequila,Pátzcuaro,Comala,Real de Catorce,Mazatlán,Creel,Bacalar,Loreto,Taxco,Cuetzalan,Álamos",
            states:
                "Aguascalientes,Baja California,Campeche,Chiapas,Chihuahua,Ciudad de México,Colima,Durango,Guanajuato,Jalisco,Michoacán,Nuevo León,Oaxaca,Puebla,Querétaro,Sonora,Veracruz,Yucatán",
            postcode: .number(10_000...99_998), phones: ["(6##) ### ####"], cells: ["(6##) ### ####"], identity: .nss),
        Nation(
            "US", "United States",
            male:
                "James,Robert,John,Michael,David,William,Richard,Joseph,Thomas,Charles,Daniel,Matthew,Anthony,Mark,Steven,Andrew,Kevin,Brian,Timothy,Terrance",
            female:
                "Mary,Patricia,Jennifer,Linda,Elizabeth,Barbara,Susan,Jessica,Sarah,Karen,Lisa,Nancy,Betty,Sandra,Ashley,Kimberly,Emily,Donna,Michelle,Tamara",
            last:
                "Smith,Johnson,Williams,Brown,Jones,Garcia,Miller,Davis,Rodriguez,Martinez,Wilson,Anderson,Taylor,Moore,Jackson,Lee,Thompson,White,Harris,Clark,Lewis,Young,Allen,King",
            streets:
                "Oak Ridge Ln,Elm St,Washington Ave,Railroad St,Spring Hill Rd,Valley View Ln,Sunset St,Mockingbird Ln,Hickory Creek Dr,Camden Ave,Fincher Rd,Pecan Acres Ln,W Campbell Ave,Thornridge Cir,Depaul Dr,Timber Wolf Trail",
            cities:
                "Albuquerque,Boise,Charlotte,Denver,El Paso,Fresno,Honolulu,Knoxville,Lansing,Memphis,Norfolk,Omaha,Pueblo,Richmond,Spokane,Tucson,Wichita,Yonkers",
            states:
                "Alabama,Arizona,California,Colorado,Florida,Georgia,Idaho,Illinois,Iowa,Kansas,Louisiana,Maine,Michigan,Montana,Nevada,New York,North Dakota,Ohio,Oregon,Texas,Utah,Vermont,Washington,Wyoming",
            postcode: .number(10_000...99_998), phones: ["(###) ###-####"], cells: ["(###) ###-####"], identity: .socialSecurity),
    ]
}
